package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/terminal"
)

// completed asks bash itself what can follow the words, of which the last is still being written.
func completed(t *testing.T, words ...string) []string {
	t.Helper()
	script, code := runHere(t, "completion", "bash")
	require.Zero(t, code)
	script += `COMP_WORDS=(posthaste "$@"); COMP_CWORD=$#; _posthaste; echo "${COMPREPLY[@]}"`
	output, err := exec.Command("bash", append([]string{"-c", script, "bash"}, words...)...).CombinedOutput()
	require.NoError(t, err, string(output))
	return strings.Fields(string(output))
}

func TestOperatorCompletion(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct{ words, want []string }{
		"commands":                            {[]string{"s"}, []string{"server", "subscriptions", "sources", "search"}},
		"commands of a command":               {[]string{"deliveries", "re"}, []string{"redeliver"}},
		"flags":                               {[]string{"deliveries", "list", "--s"}, []string{"--subscription", "--status", "--since"}},
		"flags of the parent":                 {[]string{"deliveries", "list", "--ur"}, []string{"--url"}},
		"behind other words":                  {[]string{"deliveries", "-o", "json", "list", "--st"}, []string{"--status"}},
		"values of a flag":                    {[]string{"recover", "start", "sub_1", "--status", ""}, []string{"exhausted", "cancelled", "delivered", "missing"}},
		"values of an argument":               {[]string{"completion", "f"}, []string{"fish"}},
		"nothing that is hidden":              {[]string{"deliveries", "tail", "--p"}, nil},
		"nothing where none fits":             {[]string{"nonsense"}, nil},
		"no flag for an id":                   {[]string{"deliveries", "cancel", ""}, nil},
		"but a flag that is begun":            {[]string{"deliveries", "cancel", "dlv_1", "--r"}, []string{"--reason"}},
		"flags where nothing else can follow": {[]string{"master-key", "new", ""}, []string{"--help", "--log-level", "--log-format", "--config", "--version"}},
		"names of providers":                  {[]string{"sources", "create", "git"}, []string{"github", "gitlab", "gitea"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ElementsMatch(t, tt.want, completed(t, tt.words...))
		})
	}

	for shell, wants := range map[string][]string{
		"zsh":  {"compdef _posthaste posthaste", `" deliveries list") at=" deliveries list" ;;`, `" deliveries list --status") offer="pending held`},
		"fish": {"complete -c posthaste -a", "case ' deliveries list'\n\t\t\t\tset at", "case ' deliveries list --status'\n\t\t\tstring split ' ' 'pending held"},
	} {
		t.Run("in "+shell, func(t *testing.T) {
			t.Parallel()
			script, code := runHere(t, "completion", shell)
			require.Zero(t, code)
			for _, want := range wants {
				require.Contains(t, script, want)
			}
		})
	}

	t.Run("not in another shell", func(t *testing.T) {
		t.Parallel()
		_, code := runHere(t, "completion", "tcsh")
		require.Equal(t, terminal.CodeUsage, code)
	})
}
