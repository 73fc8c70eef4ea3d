// cyclonus's matcher as an oracle: for each line of JSON on stdin, a line of digits on stdout. `cyclonus cases` prints the cases of
// `cyclonus generate` as clusters instead, one for each of their steps.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/mattfenwick/cyclonus/pkg/kube"
	"github.com/mattfenwick/cyclonus/pkg/matcher"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type Port struct {
	Name     string      `json:"name"`
	Protocol v1.Protocol `json:"protocol"`
	Number   int         `json:"number"`
}

type Pod struct {
	UID         string            `json:"uid"`
	Namespace   string            `json:"namespace"`
	Name        string            `json:"name"`
	Node        string            `json:"node"`
	Addresses   []string          `json:"addresses"`
	Labels      map[string]string `json:"labels"`
	Ports       []Port            `json:"ports"`
	HostNetwork bool              `json:"hostNetwork"`
}

type Namespace struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}

type Cluster struct {
	Pods       []Pod                         `json:"pods"`
	Namespaces []Namespace                   `json:"namespaces"`
	Policies   []*networkingv1.NetworkPolicy `json:"policies"`
}

type Question struct {
	Cluster      *Cluster `json:"cluster"`
	Sources      []string `json:"sources"`
	Destinations []string `json:"destinations"`
	Ports        []Port   `json:"ports"`

	Selector *metav1.LabelSelector `json:"selector"`
	Labels   []map[string]string   `json:"labels"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "cases" {
		printCases()
		return
	}
	lines, answers := bufio.NewReaderSize(os.Stdin, 1<<20), bufio.NewWriterSize(os.Stdout, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		question := Question{}
		check(json.Unmarshal(line, &question))
		if question.Selector != nil {
			fmt.Fprintln(answers, selected(question))
		} else {
			fmt.Fprintln(answers, verdicts(question))
		}
		if lines.Buffered() == 0 {
			check(answers.Flush())
		}
	}
}

// For each source, destination and port in turn a digit: 1 where egress is allowed, and 2 where ingress is.
func verdicts(question Question) string {
	for _, policy := range question.Cluster.Policies {
		fillIn(policy)
	}
	policies := matcher.BuildNetworkPolicies(false, question.Cluster.Policies)
	labels, owners := map[string]map[string]string{}, map[string]*Pod{}
	for _, namespace := range question.Cluster.Namespaces {
		labels[namespace.Name] = namespace.Labels
	}
	for at := range question.Cluster.Pods {
		pod := &question.Cluster.Pods[at]
		if pod.HostNetwork {
			continue // cyclonus knows no such pods: its node's address is one outside
		}
		for _, address := range pod.Addresses {
			owners[address] = pod
		}
	}
	end := func(address string) *matcher.TrafficPeer {
		pod := owners[address]
		if pod == nil {
			return &matcher.TrafficPeer{IP: address}
		}
		return &matcher.TrafficPeer{IP: address, Internal: &matcher.InternalPeer{PodLabels: pod.Labels, Namespace: pod.Namespace, NamespaceLabels: labels[pod.Namespace]}}
	}
	digits := strings.Builder{}
	for _, source := range question.Sources {
		for _, destination := range question.Destinations {
			for _, port := range question.Ports {
				egress, ingress := false, false
				// A port may have several names, and cyclonus asks about one at a time.
				for _, name := range namesOf(owners[destination], port) {
					allowed := policies.IsTrafficAllowed(&matcher.Traffic{Source: end(source), Destination: end(destination), ResolvedPort: port.Number, ResolvedPortName: name, Protocol: port.Protocol})
					egress, ingress = egress || allowed.Egress.IsAllowed(), ingress || allowed.Ingress.IsAllowed()
				}
				digits.WriteByte(digit(egress, ingress))
			}
		}
	}
	return digits.String()
}

func namesOf(pod *Pod, port Port) []string {
	names := []string{""}
	if pod != nil {
		for _, named := range pod.Ports {
			if named.Number == port.Number && named.Protocol == port.Protocol {
				names = append(names, named.Name)
			}
		}
	}
	return names
}

// What the API server does before anybody sees the policy, and cyclonus leaves to it: SetDefaults_NetworkPolicy.
func fillIn(policy *networkingv1.NetworkPolicy) {
	if len(policy.Spec.PolicyTypes) > 0 {
		return
	}
	policy.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
	if len(policy.Spec.Egress) > 0 {
		policy.Spec.PolicyTypes = append(policy.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
	}
}

// For each set of labels a digit: 1 where Kubernetes' own selector takes it, and 2 where cyclonus does.
func selected(question Question) string {
	selector, err := metav1.LabelSelectorAsSelector(question.Selector)
	check(err)
	digits := strings.Builder{}
	for _, some := range question.Labels {
		digits.WriteByte(digit(selector.Matches(set(some)), kube.IsLabelsMatchLabelSelector(some, *question.Selector)))
	}
	return digits.String()
}

func digit(one, two bool) byte {
	value := byte('0')
	if one {
		value++
	}
	if two {
		value += 2
	}
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
