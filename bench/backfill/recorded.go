package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/prometheus/prometheus/model/labels"
)

// Recorded is a series that a rule would have written: every Step seconds for the last Span seconds, Value give or
// take Noise times it.
type Recorded struct {
	Labels map[string]string `json:"labels"`
	Value  float64           `json:"value"`
	Noise  float64           `json:"noise"`
	Step   int64             `json:"step"`
	Span   int64             `json:"span"`
}

func recordedSeries(path string, until int64) ([]Series, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []Series
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one Recorded
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		set := labels.FromMap(one.Labels)
		all = append(all, Series{
			labels: set, from: (until - one.Span) * 1000, step: one.Step * 1000,
			level: one.Value, noise: one.Noise, seed: set.Hash(),
		})
	}
	return all, lines.Err()
}
