package main

import (
	"fmt"
	"hash/fnv"
	"math"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
)

// Plan is the traffic of a mesh, and how much of its past is written. Times are Unix seconds, lengths seconds.
type Plan struct {
	Cluster  string    `json:"cluster"`
	Until    int64     `json:"until"`
	Step     int64     `json:"step"`
	Bounds   []string  `json:"bounds"`
	Services []Service `json:"services"`
	// Shallow is how far back every raw series goes and how much Prometheus has in memory, Deep how far those go that
	// DeepReporters and DeepBounds name: the windows of rules that read raw series for days.
	Shallow       int64    `json:"shallow"`
	Deep          int64    `json:"deep"`
	DeepReporters []string `json:"deep_reporters"`
	DeepBounds    []string `json:"deep_bounds"`
}

// Service is one that is called; Rate is its requests a second, Failing the share of them that fails, Median the
// middle of its latency in milliseconds.
type Service struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Rate      float64  `json:"rate"`
	Failing   float64  `json:"failing"`
	Median    float64  `json:"median"`
	Callers   []Caller `json:"callers"`
}

// Caller is a service or gateway that calls.
type Caller struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Series is one time series whose value is a function of time.
type Series struct {
	labels labels.Labels
	// Milliseconds: the first sample is at from or later, samples are at multiples of step plus offset.
	from, step, offset int64
	counter            bool
	// A counter grows by level a second; any other series is level, give or take noise times it.
	level, noise float64
	seed         uint64
}

// Counters began to count long before the first sample; a proxy's own start is not what is measured.
const age = 50 * 86400

// jitter is by how many seconds a counter may run ahead of its rate, always less than a scrape's interval: whoever asks
// for the present sooner than that after the end of the past (traffic.py waits) may see it go back.
const jitter = 10.0

// at is the value at a time in milliseconds.
func (s *Series) at(t, begin int64) float64 {
	wobble := unit(s.seed, uint64(t/s.step))
	if s.counter {
		return math.Floor(s.level * (float64(t-begin)/1000 + age + jitter*wobble))
	}
	return s.level * (1 + s.noise*(2*wobble-1))
}

// unit is a number in [0, 1) that looks like chance and is always the same.
func unit(seed, n uint64) float64 {
	x := seed + n*0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return float64((x^(x>>31))>>11) / (1 << 53)
}

func seedOf(text string) uint64 {
	hash := fnv.New64a()
	hash.Write([]byte(text))
	return hash.Sum64()
}

type answer struct {
	code, flags string
	share       float64
}

// rawSeries is everything that the proxies of the mesh report: for each service, caller, code and reporter a counter
// of requests and the buckets of their durations.
func rawSeries(plan *Plan) []Series {
	var all []Series
	builder := labels.NewScratchBuilder(40)
	for i := range plan.Services {
		service := &plan.Services[i]
		answers := []answer{{"200", "-", 0.99 - service.Failing}, {"404", "-", 0.01}, {"503", "UF", service.Failing}}
		for number, caller := range service.Callers {
			for _, reporter := range []string{"source", "destination"} {
				for _, given := range answers {
					all = append(all, reported(plan, service, caller, number, reporter, given, &builder)...)
				}
			}
		}
	}
	return all
}

// reported is what one proxy says of one kind of answer to one caller: the caller's proxy as source, or that of the
// instance that this caller reaches as destination.
func reported(
	plan *Plan, service *Service, caller Caller, number int, reporter string, given answer, b *labels.ScratchBuilder,
) []Series {
	own := pod{caller.Namespace, caller.Name, 0}
	if reporter == "destination" {
		own = pod{service.Namespace, service.Name, number}
	}
	rate := service.Rate / float64(len(service.Callers)) * given.share
	kind := fmt.Sprintf("%s/%s %d %s %s", service.Namespace, service.Name, number, reporter, given.code)
	seed := seedOf(kind)
	deep := contains(plan.DeepReporters, reporter)
	made := make([]Series, 0, len(plan.Bounds)+1)
	add := func(metric, bound string, level float64, deep bool) {
		b.Reset()
		describe(b, plan.Cluster, service, caller, reporter, given, own)
		b.Add(labels.MetricName, metric)
		if bound != "" {
			b.Add("le", bound)
		}
		b.Sort()
		back := plan.Shallow
		if deep {
			back = plan.Deep
		}
		made = append(made, Series{
			labels: b.Labels(), from: (plan.Until - back) * 1000, step: plan.Step * 1000,
			offset: int64(seedOf(own.String()) % uint64(plan.Step*1000)), counter: true, level: level, seed: seed,
		})
	}
	add("istio_requests_total", "", rate, deep)
	for _, bound := range plan.Bounds {
		within := rate * share(bound, service.Median)
		add("istio_request_duration_milliseconds_bucket", stored(bound), within, deep && contains(plan.DeepBounds, bound))
	}
	return made
}

// describe adds the labels that Istio gives a request, and those that a scrape of its pod gives everything.
func describe(
	b *labels.ScratchBuilder, cluster string, service *Service, caller Caller, reporter string, given answer, own pod,
) {
	security := "unknown"
	if reporter == "destination" {
		security = "mutual_tls"
	}
	for _, side := range []struct{ prefix, namespace, name string }{
		{"source", caller.Namespace, caller.Name}, {"destination", service.Namespace, service.Name},
	} {
		b.Add(side.prefix+"_workload", side.name)
		b.Add(side.prefix+"_workload_namespace", side.namespace)
		b.Add(side.prefix+"_canonical_service", side.name)
		b.Add(side.prefix+"_canonical_revision", "v1")
		b.Add(side.prefix+"_principal", "spiffe://cluster.local/ns/"+side.namespace+"/sa/"+side.name)
		b.Add(side.prefix+"_app", side.name)
		b.Add(side.prefix+"_version", "v1")
		b.Add(side.prefix+"_cluster", cluster)
	}
	b.Add("destination_service", service.Name+"."+service.Namespace+".svc.cluster.local")
	b.Add("destination_service_name", service.Name)
	b.Add("destination_service_namespace", service.Namespace)
	b.Add("reporter", reporter)
	b.Add("request_protocol", "http")
	b.Add("response_code", given.code)
	b.Add("response_flags", given.flags)
	b.Add("connection_security_policy", security)
	b.Add("cluster", cluster)
	b.Add("namespace", own.namespace)
	b.Add("pod", own.String())
	b.Add("instance", own.address())
	b.Add("job", "mesh-proxies")
}

type pod struct {
	namespace, service string
	number             int
}

func (p pod) String() string {
	hash := seedOf(p.namespace + "/" + p.service)
	return fmt.Sprintf("%s-%08x-%05x", p.service, uint32(hash), (hash>>32+uint64(p.number)*7919)&0xfffff)
}

func (p pod) address() string {
	hash := seedOf(p.String())
	return fmt.Sprintf("10.%d.%d.%d:15090", byte(hash), byte(hash>>8), byte(hash>>16))
}

// share is the part of requests within a bound: a log-logistic distribution, which has the long tail of latencies.
func share(bound string, median float64) float64 {
	if bound == "+Inf" {
		return 1
	}
	milliseconds, err := strconv.ParseFloat(bound, 64)
	if err != nil {
		panic(err)
	}
	return 1 / (1 + math.Pow(median/milliseconds, 3))
}

// stored is how Prometheus keeps a bound that it scraped.
func stored(bound string) string {
	if number, err := strconv.ParseInt(bound, 10, 64); err == nil {
		return strconv.FormatInt(number, 10) + ".0"
	}
	return bound
}

func contains(all []string, one string) bool {
	for _, other := range all {
		if other == one {
			return true
		}
	}
	return false
}
