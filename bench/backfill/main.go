// Command backfill plays a service mesh to a Prometheus: it writes the past into its data folder, and serves the present.
//
// The past is what a Prometheus leaves that ran all the time and was stopped: the last hour or so in its write-ahead
// log, from which it comes back into memory, and what is older in blocks. Every value is a function of time, so that the
// scrape continues the counters where the past leaves them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		return fmt.Errorf("usage: backfill write|serve -plan FILE ...")
	}
	flags := flag.NewFlagSet(arguments[0], flag.ContinueOnError)
	planned := flags.String("plan", "", "the `file` that says who calls whom, how often, and how far back")
	recorded := flags.String("recorded", "", "write: a `file` of recorded series, one JSON object a line")
	out := flags.String("out", "", "write: Prometheus's data `folder`")
	listen := flags.String("listen", "127.0.0.1:0", "serve: the `address` to listen on")
	targets := flags.Int("targets", 1, "serve: over how many targets the services are spread")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	plan, err := readPlan(*planned)
	if err != nil {
		return err
	}
	switch arguments[0] {
	case "write":
		return write(plan, *recorded, *out)
	case "serve":
		return serve(plan, *listen, *targets)
	}
	return fmt.Errorf("unknown command %q", arguments[0])
}

func readPlan(path string) (*Plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	plan := &Plan{}
	if err := json.Unmarshal(text, plan); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return plan, nil
}

// write prints one JSON object: what was written.
func write(plan *Plan, recorded, out string) error {
	series := rawSeries(plan)
	if recorded != "" {
		more, err := recordedSeries(recorded, plan.Until)
		if err != nil {
			return err
		}
		series = append(series, more...)
	}
	until := plan.Until * 1000
	recent := until - plan.Shallow*1000
	summary, err := writeBlocks(series, recent, until, out)
	if err != nil {
		return err
	}
	samples, err := writeHead(series, recent, until, out)
	if err != nil {
		return err
	}
	summary.Samples += samples
	return json.NewEncoder(os.Stdout).Encode(summary)
}
