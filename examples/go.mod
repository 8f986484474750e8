module examples

go 1.20

require github.com/datadog-agent-native/datadog-agent-native/go v0.0.0

replace github.com/datadog-agent-native/datadog-agent-native/go => ../go
