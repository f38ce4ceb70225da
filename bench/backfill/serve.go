package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// target is what one scrape asks for: the lines without their values, and the series that have them.
type target struct {
	lines  [][]byte
	series []Series
}

// serve answers /0, /1, ... with what the proxies of that part of the mesh report now. It prints its address and runs
// until it is ended.
func serve(plan *Plan, listen string, count int) error {
	targets := make([]target, count)
	for number := range targets {
		part := *plan
		part.Services = nil
		for i := number; i < len(plan.Services); i += count {
			part.Services = append(part.Services, plan.Services[i])
		}
		targets[number] = rendered(rawSeries(&part))
	}
	begin := plan.Until * 1000
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		number, err := strconv.Atoi(strings.TrimPrefix(request.URL.Path, "/"))
		if err != nil || number < 0 || number >= len(targets) {
			http.NotFound(response, request)
			return
		}
		response.Header().Set("Content-Type", "text/plain; version=0.0.4")
		response.Write(targets[number].text(time.Now().UnixMilli(), begin))
	})
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, listener.Addr())
	return http.Serve(listener, nil)
}

func rendered(series []Series) target {
	made := target{series: series, lines: make([][]byte, len(series))}
	for i := range series {
		var line bytes.Buffer
		line.WriteString(series[i].labels.Get(labels.MetricName))
		separator := byte('{')
		series[i].labels.Range(func(label labels.Label) {
			if label.Name == labels.MetricName {
				return
			}
			line.WriteByte(separator)
			separator = ','
			line.WriteString(label.Name)
			line.WriteByte('=')
			line.WriteString(strconv.Quote(label.Value))
		})
		line.WriteString("} ")
		made.lines[i] = line.Bytes()
	}
	// Only the values are asked for again.
	for i := range series {
		series[i].labels = labels.EmptyLabels()
	}
	return made
}

func (t *target) text(now, begin int64) []byte {
	var text []byte
	for i := range t.series {
		text = append(text, t.lines[i]...)
		text = strconv.AppendFloat(text, t.series[i].at(now, begin), 'f', -1, 64)
		text = append(text, '\n')
	}
	return text
}
