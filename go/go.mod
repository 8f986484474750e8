module github.com/datadog-agent-native/datadog-agent-native/go

go 1.20
