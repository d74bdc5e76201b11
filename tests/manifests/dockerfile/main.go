// Reads a Dockerfile from standard input with BuildKit's own parser and prints, as JSON, what its last stage is: what a
// container of the image runs, as whom and with which environment. Exits with 1 when the parser has anything to say.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

type image struct {
	Base        string            `json:"base"`
	Copies      []string          `json:"copies"`
	Environment map[string]string `json:"environment"`
	User        string            `json:"user"`
	Volumes     []string          `json:"volumes"`
	Ports       []string          `json:"ports"`
	Health      []string          `json:"health"`
	Entrypoint  []string          `json:"entrypoint"`
	Command     []string          `json:"command"`
}

func main() {
	image, err := read(os.Stdin)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(image)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dockerfile:", err)
		os.Exit(1)
	}
}

func read(in io.Reader) (image, error) {
	found := image{Environment: map[string]string{}}
	parsed, err := parser.Parse(in)
	if err != nil {
		return found, err
	}
	if len(parsed.Warnings) > 0 {
		return found, fmt.Errorf("%s", parsed.Warnings[0].Short)
	}
	var complaint error
	lint := linter.New(&linter.Config{Warn: func(rule, description, _, message string, at []parser.Range) {
		complaint = fmt.Errorf("line %d: %s: %s (%s)", at[0].Start.Line, rule, message, description)
	}})
	stages, _, err := instructions.Parse(parsed.AST, lint)
	if err == nil {
		err = complaint
	}
	if err != nil {
		return found, err
	}
	last := stages[len(stages)-1]
	found.Base = last.BaseName
	for _, command := range last.Commands {
		switch command := command.(type) {
		case *instructions.CopyCommand:
			found.Copies = append(found.Copies, command.String())
		case *instructions.EnvCommand:
			for _, pair := range command.Env {
				found.Environment[pair.Key] = pair.Value
			}
		case *instructions.UserCommand:
			found.User = command.User
		case *instructions.VolumeCommand:
			found.Volumes = append(found.Volumes, command.Volumes...)
		case *instructions.ExposeCommand:
			found.Ports = append(found.Ports, command.Ports...)
		case *instructions.HealthCheckCommand:
			found.Health = command.Health.Test
		case *instructions.EntrypointCommand:
			found.Entrypoint = command.CmdLine
		case *instructions.CmdCommand:
			found.Command = command.CmdLine
		case *instructions.LabelCommand:
		default:
			return found, fmt.Errorf("the last stage has an unexpected %s", command.Name())
		}
	}
	return found, nil
}
