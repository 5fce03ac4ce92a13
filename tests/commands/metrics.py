"""Reads a file of metrics with Prometheus' own parser of OpenMetrics, which is strict, and prints its samples as JSON."""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

with open(sys.argv[1], encoding="utf-8") as file:
    families = list(text_string_to_metric_families(file.read()))
print(json.dumps([
    {"name": sample.name, "labels": sample.labels, "value": float(sample.value)}
    for family in families
    for sample in family.samples
]))
