package main

import (
	"slices"
	"strings"
	"text/template"

	"github.com/alecthomas/kong"

	"github.com/posthaste/posthaste/internal/terminal"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// completionCmd prints a script that completes commands, flags and the values of flags that have few values.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Shell: bash, zsh or fish."`
}

// Help is the long help of the command.
func (completionCmd) Help() string {
	return "For the current shell: source <(posthaste completion bash), the same with zsh, or posthaste completion fish | source. For every shell, add this line to the shell's start file."
}

// Run implements the command.
func (c *completionCmd) Run(s terminal.Streams, parsed *kong.Context) error {
	var o offers
	o.collect(parsed.Model.Node, "")
	return template.Must(template.New(c.Shell).Parse(completions[c.Shell])).Execute(s.Out, o)
}

// offers holds the completions for each place of the command line.
type offers struct {
	Commands []offer // after a command
	Values   []offer // after a flag that has few values
}

// offer holds the completions at one place: after the words so far, each with a space before it. Flags are offered when
// one has been begun, and where nothing else can follow: at the place of an id they would only be in the way.
type offer struct{ After, Words, Flags string }

func (o *offers) collect(node *kong.Node, path string) {
	var words, flags []string
	visible := slices.DeleteFunc(slices.Clone(node.Children), func(child *kong.Node) bool { return child.Hidden })
	for _, child := range visible {
		words = append(words, child.Name)
	}
	for _, argument := range node.Positional {
		words = append(words, strings.Split(argument.Enum, ",")...)
		if argument.Tag.Get("complete") == "providers" {
			words = append(words, slices.Sorted(slices.Values(receivers.Names()))...)
		}
	}
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			flags = append(flags, "--"+flag.Name)
			if flag.Enum != "" {
				o.Values = append(o.Values, newOffer(path+" --"+flag.Name, strings.Split(flag.Enum, ","), nil))
			}
		}
	}
	if len(visible)+len(node.Positional) == 0 {
		words = flags
	}
	o.Commands = append(o.Commands, newOffer(path, words, flags))
	for _, child := range visible {
		o.collect(child, path+" "+child.Name)
	}
}

// newOffer makes an offer without the empty word, by which an enumeration says that the flag may be left out.
func newOffer(after string, words, flags []string) offer {
	return offer{after, strings.Join(strings.Fields(strings.Join(words, " ")), " "), strings.Join(flags, " ")}
}

// posix walks over the words before the cursor as far as they are commands, and sets offer to the completions. current is
// the word at the cursor.
const posix = `	local at="" word="" offer=""
	for word in "${before[@]}"; do
		case "$at $word" in
{{range .Commands}}{{if .After}}		"{{.After}}") at="{{.After}}" ;;
{{end}}{{end}}		esac
	done
	case "$at $word" in
{{range .Values}}	"{{.After}}") offer="{{.Words}}" ;;
{{end}}	*) case "$at $current" in
{{range .Commands}}		"{{.After}} -"*) offer="{{.Flags}}" ;;
{{end}}		*) case "$at" in
{{range .Commands}}			"{{.After}}") offer="{{.Words}}" ;;
{{end}}			esac ;;
		esac ;;
	esac
`

// completions holds the script of each shell.
var completions = map[string]string{
	"bash": `_posthaste() {
	local before=("${COMP_WORDS[@]:1:COMP_CWORD-1}") current="${COMP_WORDS[COMP_CWORD]}"
` + posix + `	case "$at $word" in # files are for replay, and for flags
	" replay"* | *" -"*) ;;
	*) compopt +o default 2>/dev/null ;;
	esac
	COMPREPLY=($(compgen -W "$offer" -- "$current"))
}
complete -o default -F _posthaste posthaste
`,
	"zsh": `#compdef posthaste
_posthaste() {
	local -a before=("${(@)words[2,CURRENT-1]}")
	local current="${words[CURRENT]}"
` + posix + `	compadd -- ${=offer} && return
	case "$at $word" in # files are for replay, and for flags
	" replay"* | *" -"*) _files ;;
	esac
}
compdef _posthaste posthaste
`,
	"fish": `function __posthaste_offer
	set -l at ""
	set -l word ""
	set -l current (commandline -ct)
	for word in (commandline -opc)[2..]
		switch "$at $word"
{{range .Commands}}{{if .After}}			case '{{.After}}'
				set at '{{.After}}'
{{end}}{{end}}		end
	end
	switch "$at $word"
{{range .Values}}		case '{{.After}}'
			string split ' ' '{{.Words}}'
{{end}}		case '*'
			switch "$at $current"
{{range .Commands}}				case '{{.After}} -*'
					string split ' ' -- '{{.Flags}}'
{{end}}				case '*'
					switch "$at"
{{range .Commands}}						case '{{.After}}'
							string split ' ' -- '{{.Words}}'
{{end}}					end
			end
	end
end
complete -c posthaste -n 'not contains replay (commandline -opc)' -f
complete -c posthaste -a '(__posthaste_offer)'
`,
}
