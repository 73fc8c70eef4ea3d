package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/mattfenwick/cyclonus/pkg/connectivity"
	"github.com/mattfenwick/cyclonus/pkg/connectivity/probe"
	"github.com/mattfenwick/cyclonus/pkg/generator"
	"github.com/mattfenwick/cyclonus/pkg/kube"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

type set = labels.Set

type Case struct {
	Name    string  `json:"name"`
	Cluster Cluster `json:"cluster"`
}

// The cases of `cyclonus generate` with its default settings, and its own mock of Kubernetes in place of a cluster.
func printCases() {
	protocols := []v1.Protocol{v1.ProtocolTCP, v1.ProtocolUDP, v1.ProtocolSCTP}
	namespaces := []string{"x", "y", "z"}
	answers := json.NewEncoder(os.Stdout)
	start := func() *connectivity.TestCaseState {
		kubernetes := kube.NewMockKubernetes(1)
		resources, err := probe.NewDefaultResources(kubernetes, namespaces, []string{"a", "b", "c"}, []int{80, 81}, protocols, nil, 60, false, "registry")
		check(err)
		return &connectivity.TestCaseState{Kubernetes: kubernetes, Resources: resources}
	}
	pod, err := start().Resources.GetPod("z", "c")
	check(err)
	for _, testCase := range generator.NewTestCaseGenerator(true, pod.IP, namespaces, nil, nil).GenerateTestCases() {
		state := start()
		for at, step := range testCase.Steps {
			for _, action := range step.Actions {
				check(perform(state, action))
			}
			check(answers.Encode(Case{Name: fmt.Sprintf("%s, step %d", testCase.Description, at+1), Cluster: clusterOf(state)}))
		}
	}
}

func perform(state *connectivity.TestCaseState, action *generator.Action) error {
	switch {
	case action.CreatePolicy != nil:
		return state.CreatePolicy(action.CreatePolicy.Policy)
	case action.UpdatePolicy != nil:
		return state.UpdatePolicy(action.UpdatePolicy.Policy)
	case action.DeletePolicy != nil:
		return state.DeletePolicy(action.DeletePolicy.Namespace, action.DeletePolicy.Name)
	case action.CreateNamespace != nil:
		return state.CreateNamespace(action.CreateNamespace.Namespace, action.CreateNamespace.Labels)
	case action.SetNamespaceLabels != nil:
		return state.SetNamespaceLabels(action.SetNamespaceLabels.Namespace, action.SetNamespaceLabels.Labels)
	case action.DeleteNamespace != nil:
		return state.DeleteNamespace(action.DeleteNamespace.Namespace)
	case action.ReadNetworkPolicies != nil:
		return state.ReadPolicies(action.ReadNetworkPolicies.Namespaces)
	case action.CreatePod != nil:
		return state.CreatePod(action.CreatePod.Namespace, action.CreatePod.Pod, action.CreatePod.Labels)
	case action.SetPodLabels != nil:
		return state.SetPodLabels(action.SetPodLabels.Namespace, action.SetPodLabels.Pod, action.SetPodLabels.Labels)
	case action.DeletePod != nil:
		return state.DeletePod(action.DeletePod.Namespace, action.DeletePod.Pod)
	}
	return fmt.Errorf("an action that this program does not know: %+v", action)
}

func clusterOf(state *connectivity.TestCaseState) Cluster {
	cluster := Cluster{Policies: append([]*networkingv1.NetworkPolicy{}, state.Policies...)}
	for name, some := range state.Resources.Namespaces {
		cluster.Namespaces = append(cluster.Namespaces, Namespace{Name: name, Labels: some})
	}
	for _, pod := range state.Resources.Pods {
		ports := []Port{}
		for _, container := range pod.Containers {
			ports = append(ports, Port{Name: container.PortName, Protocol: container.Protocol, Number: container.Port})
		}
		cluster.Pods = append(cluster.Pods, Pod{UID: pod.Namespace + "/" + pod.Name, Namespace: pod.Namespace, Name: pod.Name, Addresses: []string{pod.IP}, Labels: pod.Labels, Ports: ports})
	}
	return cluster
}
