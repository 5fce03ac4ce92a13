// Asks the pod identity webhook's own code what it makes of pods: one JSON object per line in, one per line out.
//
// Cache, rules and patches are those of the module that go.mod pins, through what it exports; nothing of them is written here
// again. All questions are read first: the webhook keeps its service accounts in a cache of its own, which a watch fills.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"os"
	"time"

	"github.com/aws/amazon-eks-pod-identity-webhook/pkg"
	"github.com/aws/amazon-eks-pod-identity-webhook/pkg/cache"
	"github.com/aws/amazon-eks-pod-identity-webhook/pkg/containercredentials"
	"github.com/aws/amazon-eks-pod-identity-webhook/pkg/handler"
	"k8s.io/api/admission/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"
)

// What the webhook is started with; the names are those of its flags.
type settings struct {
	Audience        string `json:"tokenAudience"`
	RegionalSTS     bool   `json:"stsRegionalEndpoint"`
	Region          string `json:"awsDefaultRegion"`
	TokenExpiration int64  `json:"tokenExpiration"`
}

type question struct {
	Settings settings `json:"settings"`
	// Where the pod is made, and a namespace of this question alone, so that one cache serves all.
	Namespace string `json:"namespace"`
	// None where there is no such service account.
	ServiceAccount *corev1.ServiceAccount `json:"serviceAccount"`
	// The service account that has a pod identity association in the namespace, where one has.
	Associated string          `json:"associated"`
	Pod        json.RawMessage `json:"pod"`
}

type answer struct {
	// The pod as the API server hands it to a webhook: decoded, and written again.
	Pod json.RawMessage `json:"pod"`
	// What the webhook patches it with, and what it patches the pod of the question with.
	Patch    json.RawMessage `json:"patch"`
	AskedFor json.RawMessage `json:"askedFor"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// modifier gives the webhook with the service accounts of all questions that have these settings.
func modifier(with settings, asked []question) *handler.Modifier {
	var objects []runtime.Object
	var identities containercredentials.IdentityConfigObject
	for _, one := range asked {
		if one.Settings != with {
			continue
		}
		if one.ServiceAccount != nil {
			objects = append(objects, one.ServiceAccount)
		}
		if one.Associated != "" {
			identities.Identities = append(identities.Identities, containercredentials.Identity{
				Namespace: one.Namespace, ServiceAccount: one.Associated,
			})
		}
	}
	clients := fake.NewSimpleClientset(objects...)
	factory := informers.NewSharedInformerFactory(clients, 0)
	accounts := factory.Core().V1().ServiceAccounts()
	// As main.go of the module does with its flag.
	expiration := pkg.ValidateMinTokenExpiration(with.TokenExpiration)
	known := cache.New(with.Audience, "eks.amazonaws.com", with.RegionalSTS, expiration, accounts, nil,
		cache.ComposeRoleArn{}, clients.CoreV1())
	stop := make(chan struct{})
	factory.Start(stop)
	factory.WaitForCacheSync(stop)
	known.Start(stop)
	// The informer has its objects; its handlers fill the webhook's cache one after the other.
	for {
		var filled map[string]json.RawMessage
		check(json.Unmarshal([]byte(known.ToJSON()), &filled))
		if len(filled) == len(objects) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	// The values are the defaults of the module's flags in main.go.
	associations := containercredentials.NewFileConfig("pods.eks.amazonaws.com",
		"/var/run/secrets/pods.eks.amazonaws.com/serviceaccount", "eks-pod-identity-token", "eks-pod-identity-token",
		"http://169.254.170.23/v1/credentials")
	content, err := json.Marshal(identities)
	check(err)
	check(associations.Load(content))
	return handler.NewModifier(
		rand.New(rand.NewSource(1)),
		handler.WithServiceAccountCache(known),
		handler.WithContainerCredentialsConfig(associations),
		handler.WithRegion(with.Region),
	)
}

func patch(webhook *handler.Modifier, namespace string, pod []byte) json.RawMessage {
	response := webhook.MutatePod(&v1beta1.AdmissionReview{Request: &v1beta1.AdmissionRequest{
		Kind:      metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
		Namespace: namespace,
		Operation: v1beta1.Create,
		Object:    runtime.RawExtension{Raw: pod},
	}})
	if !response.Allowed {
		check(fmt.Errorf("the webhook does not take %s: %s", pod, response.Result.Message))
	}
	if response.Patch == nil {
		return json.RawMessage("null")
	}
	return response.Patch
}

func main() {
	flags := flag.NewFlagSet("", flag.ExitOnError)
	klog.InitFlags(flags)
	check(flags.Parse([]string{"-logtostderr=false", "-stderrthreshold=FATAL"}))
	klog.SetOutput(io.Discard)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	decoder := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<20))
	encoder := json.NewEncoder(output)
	var asked []question
	for decoder.More() {
		var one question
		check(decoder.Decode(&one))
		asked = append(asked, one)
	}
	webhooks := map[settings]*handler.Modifier{}
	for _, one := range asked {
		webhook, ok := webhooks[one.Settings]
		if !ok {
			webhook = modifier(one.Settings, asked)
			webhooks[one.Settings] = webhook
		}
		var pod corev1.Pod
		check(json.Unmarshal(one.Pod, &pod))
		written, err := json.Marshal(pod)
		check(err)
		check(encoder.Encode(answer{
			Pod:      written,
			Patch:    patch(webhook, one.Namespace, written),
			AskedFor: patch(webhook, one.Namespace, one.Pod),
		}))
	}
}
