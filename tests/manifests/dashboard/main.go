// Reads a Grafana dashboard from standard input as strictly as Grafana's own types do: a key that they do not know, in
// the dashboard, a panel's options or a query, is an error, and so is a value out of bounds. Exits with 1 then.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	if err := check(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "dashboard:", err)
		os.Exit(1)
	}
}

func check(in io.Reader) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	plugins.RegisterDefaultPlugins()
	var read dashboard.Dashboard
	if err := found(read.UnmarshalJSONStrict(text)); err != nil {
		return err
	}
	return found(read.Validate())
}

// found is nil where there is no problem: an empty list of them is an error that says nothing.
func found(err error) error {
	var problems cog.BuildErrors
	if errors.As(err, &problems) && len(problems) == 0 {
		return nil
	}
	return err
}
