// Judges the pods of Kubernetes manifests by the "restricted" profile of the Pod Security Standards, with the code that
// the API server itself uses. Reads YAML documents from standard input, prints a line for each rule that a pod breaks
// and one for each pod that breaks none, and exits with 1 when there was a broken one or no pod at all.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// manifest is a workload: a Deployment, a DaemonSet, a StatefulSet or a Job. Other kinds have no template.
type manifest struct {
	Kind     string            `json:"kind"`
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Template *corev1.PodTemplateSpec `json:"template"`
	} `json:"spec"`
}

func main() {
	pods, broken, err := judge(os.Stdin, os.Stdout)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "restricted:", err)
		os.Exit(2)
	case pods == 0:
		fmt.Println("no pod")
		os.Exit(1)
	case broken > 0:
		os.Exit(1)
	}
}

func judge(in io.Reader, out io.Writer) (pods, broken int, err error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return 0, 0, err
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	documents := yaml.NewYAMLReader(bufio.NewReader(in))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return pods, broken, nil
		}
		if err != nil {
			return pods, broken, err
		}
		var found manifest
		if err := yaml.Unmarshal(document, &found); err != nil {
			return pods, broken, err
		}
		template := found.Spec.Template
		if template == nil || len(template.Spec.Containers) == 0 {
			continue
		}
		pods++
		name := found.Kind + " " + found.Metadata.Name
		allowed := true
		for _, result := range evaluator.EvaluatePod(level, &template.ObjectMeta, &template.Spec) {
			if !result.Allowed {
				allowed = false
				fmt.Fprintf(out, "%s: %s (%s)\n", name, result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
		if allowed {
			fmt.Fprintf(out, "%s: restricted\n", name)
		} else {
			broken++
		}
	}
}
