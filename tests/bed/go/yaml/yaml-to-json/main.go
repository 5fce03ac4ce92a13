// Reads YAML with the modules that eksctl and Kubernetes read it with, for tests that compare with them. Each line of
// standard input is the JSON text of some bytes in base64; each line of standard output says what became of them.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	goyaml "go.yaml.in/yaml/v2"
	"sigs.k8s.io/yaml"
)

type answer struct {
	// What YAMLToJSON makes of the first document: what kubectl and the authenticator go on with.
	JSON json.RawMessage `json:"json"`
	// Why it makes nothing of it.
	Error string `json:"error"`
	// Why YAMLToJSONStrict, as eksctl uses it, makes nothing of it.
	Strict string `json:"strict"`
	// Keys of different types become the same key of JSON: Go takes one of their values by chance.
	Chance bool `json:"chance"`
}

func read(text []byte, convert func([]byte) ([]byte, error)) (value []byte, problem string) {
	defer func() {
		if panicked := recover(); panicked != nil {
			value, problem = nil, fmt.Sprintf("panic: %v", panicked)
		}
	}()
	value, err := convert(text)
	if err != nil {
		return nil, err.Error()
	}
	return value, ""
}

// collides reports whether keys that differ in Go are the same in JSON.
func collides(value interface{}) bool {
	switch value := value.(type) {
	case map[interface{}]interface{}:
		keys := map[string]bool{}
		for key, below := range value {
			text := fmt.Sprint(key)
			if float, ok := key.(float64); ok {
				text = strconv.FormatFloat(float, 'g', -1, 32)
				switch text {
				case "+Inf":
					text = ".inf"
				case "-Inf":
					text = "-.inf"
				case "NaN":
					text = ".nan"
				}
			}
			if keys[text] || collides(below) {
				return true
			}
			keys[text] = true
		}
	case []interface{}:
		for _, item := range value {
			if collides(item) {
				return true
			}
		}
	}
	return false
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		var text []byte
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		var found answer
		found.JSON, found.Error = read(text, yaml.YAMLToJSON)
		_, found.Strict = read(text, yaml.YAMLToJSONStrict)
		if found.Error == "" {
			var value interface{}
			if goyaml.Unmarshal(text, &value) == nil {
				found.Chance = collides(value)
			}
		} else {
			found.JSON = json.RawMessage("null")
		}
		if err := encoder.Encode(found); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out.Flush()
}
