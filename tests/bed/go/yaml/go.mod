module eksact/tests/bed/yaml

go 1.26.3

require (
	go.yaml.in/yaml/v2 v2.4.4
	sigs.k8s.io/yaml v1.6.0
)
