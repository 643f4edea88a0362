// Package examples is the Go examples' root: it says how their stubs are made, and holds their tests.
package examples

//go:generate go run ./internal/generate
