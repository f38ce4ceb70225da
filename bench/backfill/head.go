package main

import (
	"log/slog"
	"path/filepath"

	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
)

// seriesInRecord is how many series one record of the log introduces.
const seriesInRecord = 1000

// writeHead writes the samples in [start, until) as a Prometheus that was stopped leaves what it held in memory: the
// series in its write-ahead log, their chunks beside it.
func writeHead(series []Series, start, until int64, out string) (samples uint64, err error) {
	log, err := wlog.New(slog.New(slog.DiscardHandler), nil, filepath.Join(out, "wal"), compression.Snappy)
	if err != nil {
		return 0, err
	}
	mapper, err := chunks.NewChunkDiskMapper(
		nil, filepath.Join(out, "chunks_head"), chunkenc.NewPool(), chunks.DefaultWriteBufferSize, 0,
	)
	if err != nil {
		return 0, err
	}
	if err := mapper.IterateAllChunks(nothing); err != nil {
		return 0, err
	}
	var encoder record.Encoder
	var introduced []record.RefSeries
	introduce := func() error {
		defer func() { introduced = introduced[:0] }()
		return log.Log(encoder.Series(introduced, nil))
	}
	for i := range series {
		ref := chunks.HeadSeriesRef(i + 1)
		made, err := encoded(&series[i], start, until, until)
		if err != nil {
			return 0, err
		}
		for _, chunk := range made {
			var failed error
			mapper.WriteChunk(ref, chunk.MinTime, chunk.MaxTime, chunk.Chunk, false, func(err error) { failed = err })
			if failed != nil {
				return 0, failed
			}
			samples += uint64(chunk.Chunk.NumSamples())
		}
		introduced = append(introduced, record.RefSeries{Ref: ref, Labels: series[i].labels})
		if len(introduced) == seriesInRecord {
			if err := introduce(); err != nil {
				return 0, err
			}
		}
	}
	if err := introduce(); err != nil {
		return 0, err
	}
	if err := mapper.Close(); err != nil {
		return 0, err
	}
	return samples, log.Close()
}

// nothing is for chunks that are there already: the folder is new.
func nothing(
	chunks.HeadSeriesRef, chunks.ChunkDiskMapperRef, int64, int64, uint16, chunkenc.Encoding, bool,
) error {
	return nil
}
