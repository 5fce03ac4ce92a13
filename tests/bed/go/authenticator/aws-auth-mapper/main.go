// Asks the authenticator's own code what it makes of aws-auth ConfigMaps: one JSON object per line in, one per line out.
//
// Parser, store, matching and templates are those of the module that go.mod pins. Three of its functions are not exported
// and are linked by name, so that nothing of the verdicts is written here again.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"github.com/sirupsen/logrus"
	"sigs.k8s.io/aws-iam-authenticator/pkg/arn"
	"sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap"
	_ "sigs.k8s.io/aws-iam-authenticator/pkg/server"
	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

//go:linkname saveMap sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap.(*MapStore).saveMap
func saveMap(store *configmap.MapStore, users []config.UserMapping, roles []config.RoleMapping, accounts []string)

//go:linkname renderTemplates sigs.k8s.io/aws-iam-authenticator/pkg/server.(*handler).renderTemplates
func renderTemplates(handler unsafe.Pointer, ctx context.Context, mapping config.IdentityMapping, identity *token.Identity) (string, []string, error)

type caller struct {
	ARN         string `json:"arn"`
	Account     string `json:"account"`
	UserID      string `json:"user_id"`
	AccessKeyID string `json:"access_key_id"`
}

type question struct {
	Data    map[string]string `json:"data"`
	Callers []caller          `json:"callers"`
}

type verdict struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
	Denied   string   `json:"denied"`
}

type mapping struct {
	ARN      string                `json:"arn"`
	Username string                `json:"username"`
	Groups   []string              `json:"groups"`
	UserID   string                `json:"user_id"`
	SSO      *config.SSOARNMatcher `json:"sso"`
}

type answer struct {
	Roles    []mapping `json:"roles"`
	Users    []mapping `json:"users"`
	Accounts []string  `json:"accounts"`
	Error    string    `json:"error"`
	Verdicts []verdict `json:"verdicts"`
}

// identify does what the token verifier does with the answer of STS.
func identify(c caller) (*token.Identity, error) {
	kind, canonical, err := arn.Canonicalize(c.ARN)
	if err != nil {
		return nil, err
	}
	identity := &token.Identity{ARN: c.ARN, CanonicalARN: canonical, AccountID: c.Account, UserID: c.UserID, AccessKeyID: c.AccessKeyID}
	if kind == arn.ROLE || kind == arn.ASSUMED_ROLE {
		parts := strings.Split(c.UserID, ":")
		if len(parts) != 2 {
			return nil, fmt.Errorf("malformed UserID %q", c.UserID)
		}
		identity.UserID, identity.SessionName = parts[0], parts[1]
	}
	return identity, nil
}

// decide is the loop of doMapping over the one backend of this program.
func decide(mapper *configmap.ConfigMapMapper, c caller) (result verdict) {
	identity, err := identify(c)
	if err != nil {
		return verdict{Denied: err.Error()}
	}
	mapped, err := mapper.Map(identity)
	if err == nil {
		// The handler is needed for EC2 alone, which there is none of here.
		var handler [4096]byte
		defer func() {
			if recover() != nil {
				result = verdict{Denied: "asks EC2"}
			}
		}()
		username, groups, err := renderTemplates(unsafe.Pointer(&handler), context.Background(), *mapped, identity)
		if err != nil {
			return verdict{Denied: err.Error()}
		}
		return verdict{Username: username, Groups: groups}
	}
	if mapper.IsAccountAllowed(identity.AccountID) {
		return verdict{Username: identity.CanonicalARN, Groups: []string{}}
	}
	return verdict{Denied: err.Error()}
}

func main() {
	logrus.SetLevel(logrus.PanicLevel)
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	decoder := json.NewDecoder(input)
	encoder := json.NewEncoder(output)
	for decoder.More() {
		var asked question
		if err := decoder.Decode(&asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		users, roles, accounts, err := configmap.ParseMap(asked.Data)
		result := answer{Accounts: accounts}
		if err != nil {
			result.Error = err.Error()
		}
		for _, user := range users {
			result.Users = append(result.Users, mapping{user.UserARN, user.Username, user.Groups, user.UserId, nil})
		}
		for _, role := range roles {
			result.Roles = append(result.Roles, mapping{role.RoleARN, role.Username, role.Groups, role.UserId, role.SSO})
		}
		store := &configmap.MapStore{}
		saveMap(store, users, roles, accounts)
		mapper := &configmap.ConfigMapMapper{MapStore: store}
		for _, c := range asked.Callers {
			result.Verdicts = append(result.Verdicts, decide(mapper, c))
		}
		if err := encoder.Encode(result); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
