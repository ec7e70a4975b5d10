package main

import "github.com/prometheus/client_golang/prometheus"

var (
	diskFree = prometheus.NewDesc("posthaste_disk_free_bytes", "Free bytes of the disk that holds the data folder.", nil, nil)
	diskSize = prometheus.NewDesc("posthaste_disk_size_bytes", "Bytes of the disk that holds the data folder.", nil, nil)
)

// disk measures the disk of a data folder. What cannot be measured is left out.
type disk struct{ folder string }

// Describe implements prometheus.Collector.
func (d disk) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- diskFree
	descriptions <- diskSize
}

// Collect implements prometheus.Collector.
func (d disk) Collect(values chan<- prometheus.Metric) {
	free, size, err := diskSpace(d.folder)
	if err != nil {
		return
	}
	values <- prometheus.MustNewConstMetric(diskFree, prometheus.GaugeValue, free)
	values <- prometheus.MustNewConstMetric(diskSize, prometheus.GaugeValue, size)
}
