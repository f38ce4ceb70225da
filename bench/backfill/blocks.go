package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/oklog/ulid/v2"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

// Summary is what was written.
type Summary struct {
	Series  int    `json:"series"`
	Samples uint64 `json:"samples"`
	Blocks  int    `json:"blocks"`
	Begin   int64  `json:"begin"`
}

const hour = int64(3600 * 1000)

// ranges are the lengths of blocks to which Prometheus compacts under a retention of 40 days, longest first.
var ranges = []int64{54 * hour, 18 * hour, 6 * hour, 2 * hour}

// samplesInChunk is where Prometheus ends a chunk.
const samplesInChunk = 120

// writeBlocks writes all samples before end (milliseconds) as blocks of the lengths that compaction leaves, and sorts
// the series. A series' chunks are written as they are made: the memory is that of the labels.
func writeBlocks(series []Series, end, until int64, out string) (Summary, error) {
	slices.SortFunc(series, func(a, b Series) int { return labels.Compare(a.labels, b.labels) })
	for i := 1; i < len(series); i++ {
		if labels.Compare(series[i-1].labels, series[i].labels) == 0 {
			return Summary{}, fmt.Errorf("two series have the labels %s", series[i].labels)
		}
	}
	begin := end
	for i := range series {
		begin = min(begin, series[i].from)
	}
	summary := Summary{Series: len(series), Begin: begin / 1000}
	for start := begin - begin%(2*hour); start < end; {
		next := min(end, start+length(start, end))
		samples, err := writeBlock(series, start, next, until, out)
		if err != nil {
			return Summary{}, err
		}
		summary.Samples += samples
		summary.Blocks++
		start = next
	}
	return summary, nil
}

func length(start, until int64) int64 {
	for _, length := range ranges {
		if start%length == 0 && start+length <= until {
			return length
		}
	}
	return ranges[len(ranges)-1]
}

// writeBlock writes the samples in [start, end).
func writeBlock(series []Series, start, end, until int64, out string) (uint64, error) {
	var present []*Series
	for i := range series {
		if series[i].from < end {
			present = append(present, &series[i])
		}
	}
	id, err := ulid.New(uint64(end), rand.Reader)
	if err != nil {
		return 0, err
	}
	folder := filepath.Join(out, id.String())
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return 0, err
	}
	meta := tsdb.BlockMeta{ULID: id, MinTime: start, MaxTime: end, Version: 1}
	meta.Compaction = tsdb.BlockMetaCompaction{Level: 1, Sources: []ulid.ULID{id}}
	if err := fill(folder, present, until, &meta); err != nil {
		return 0, err
	}
	text, err := json.MarshalIndent(meta, "", "\t")
	if err != nil {
		return 0, err
	}
	return meta.Stats.NumSamples, os.WriteFile(filepath.Join(folder, "meta.json"), text, 0o644)
}

func fill(folder string, present []*Series, until int64, meta *tsdb.BlockMeta) error {
	samples, err := chunks.NewWriter(filepath.Join(folder, "chunks"))
	if err != nil {
		return err
	}
	names, err := index.NewWriter(context.Background(), filepath.Join(folder, "index"))
	if err != nil {
		return err
	}
	for _, symbol := range symbols(present) {
		if err := names.AddSymbol(symbol); err != nil {
			return err
		}
	}
	for number, one := range present {
		made, err := encoded(one, meta.MinTime, meta.MaxTime, until)
		if err != nil {
			return err
		}
		if len(made) == 0 {
			continue
		}
		if err := samples.WriteChunks(made...); err != nil {
			return err
		}
		if err := names.AddSeries(storage.SeriesRef(number+1), one.labels, made...); err != nil {
			return err
		}
		meta.Stats.NumSeries++
		meta.Stats.NumChunks += uint64(len(made))
		for _, chunk := range made {
			meta.Stats.NumSamples += uint64(chunk.Chunk.NumSamples())
		}
	}
	meta.Stats.NumFloatSamples = meta.Stats.NumSamples
	if err := samples.Close(); err != nil {
		return err
	}
	return names.Close()
}

func symbols(present []*Series) []string {
	found := map[string]struct{}{"": {}}
	for _, one := range present {
		one.labels.Range(func(label labels.Label) {
			found[label.Name] = struct{}{}
			found[label.Value] = struct{}{}
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// encoded is a series' samples in [start, end) as chunks.
func encoded(one *Series, start, end, until int64) ([]chunks.Meta, error) {
	var made []chunks.Meta
	var appender chunkenc.Appender
	first := max(start, one.from) - one.offset
	t := (first+one.step-1)/one.step*one.step + one.offset
	for ; t < end; t += one.step {
		last := len(made) - 1
		if last < 0 || made[last].Chunk.NumSamples() == samplesInChunk {
			chunk := chunkenc.NewXORChunk()
			started, err := chunk.Appender()
			if err != nil {
				return nil, err
			}
			appender = started
			made = append(made, chunks.Meta{Chunk: chunk, MinTime: t})
			last++
		}
		appender.Append(0, t, one.at(t, until))
		made[last].MaxTime = t
	}
	return made, nil
}
