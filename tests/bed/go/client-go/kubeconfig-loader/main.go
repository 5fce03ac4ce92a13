// Asks client-go what it makes of kubeconfigs: one JSON object per line in, one per line out.
//
// `error` is what loading the whole file says, and `contexts` what kubectl says of each context before it uses it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
)

type question struct {
	// The bytes of the file; in JSON they are base64, so that any bytes can be asked about.
	Content []byte `json:"content"`
}

type answer struct {
	Error    string            `json:"error"`
	Contexts map[string]string `json:"contexts"`
}

func load(content []byte) answer {
	config, err := clientcmd.Load(content)
	if err != nil {
		return answer{Error: err.Error()}
	}
	result := answer{Contexts: map[string]string{}}
	for name := range config.Contexts {
		verdict := ""
		if err := clientcmd.ConfirmUsable(*config, name); err != nil {
			verdict = err.Error()
		}
		result.Contexts[name] = verdict
	}
	return result
}

func main() {
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	decoder := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<20))
	encoder := json.NewEncoder(output)
	for decoder.More() {
		var asked question
		if err := decoder.Decode(&asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := encoder.Encode(load(asked.Content)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
