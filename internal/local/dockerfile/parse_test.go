package dockerfile_test

import (
	"strings"
	"testing"

	"github.com/sandflare/sandflare-go/internal/local/dockerfile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// one parses a single instruction behind a FROM.
func one(t *testing.T, text string) dockerfile.Step {
	t.Helper()
	f, err := dockerfile.Parse("FROM a\n" + text)
	require.NoError(t, err)
	require.Len(t, f.Steps, 2)
	return f.Steps[1]
}

func shell(line string) dockerfile.Command     { return dockerfile.Command{Shell: line} }
func words(words ...string) dockerfile.Command { return dockerfile.Command{Exec: words} }

func TestInstructions(t *testing.T) {
	t.Parallel()
	type pair = dockerfile.Pair
	for _, c := range []struct {
		text string
		want dockerfile.Instruction
	}{
		{"ARG V", &dockerfile.Arg{Vars: []dockerfile.ArgVar{{Name: "V"}}}},
		{"ARG V= W=1 X=\"a b\"", &dockerfile.Arg{Vars: []dockerfile.ArgVar{{"V", "", true}, {"W", "1", true}, {"X", `"a b"`, true}}}},
		{"ENV A=1 B='x y'  C=\"p q\" D=a\\ b", &dockerfile.Env{Pairs: []pair{{"A", "1"}, {"B", "'x y'"}, {"C", `"p q"`}, {"D", `a\ b`}}}},
		{"ENV A one  two = three", &dockerfile.Env{Pairs: []pair{{"A", "one  two = three"}}}},
		{"env\tA=1", &dockerfile.Env{Pairs: []pair{{"A", "1"}}}},
		{"LABEL a.b=c \"d e\"=f", &dockerfile.Label{Pairs: []pair{{"a.b", "c"}, {`"d e"`, "f"}}}},
		{"RUN echo $HOME  && true", &dockerfile.Run{Command: shell("echo $HOME  && true")}},
		{`RUN ["echo", "a b", "$X"]`, &dockerfile.Run{Command: words("echo", "a b", "$X")}},
		{"RUN [ -f /x ] || exit 1", &dockerfile.Run{Command: shell("[ -f /x ] || exit 1")}},
		{"RUN -- -- echo --mount", &dockerfile.Run{Command: shell("-- echo --mount")}},
		{"CMD []", &dockerfile.Cmd{Command: words()}},
		{"CMD serve", &dockerfile.Cmd{Command: shell("serve")}},
		{`ENTRYPOINT ["a"]`, &dockerfile.Entrypoint{Command: words("a")}},
		{`SHELL ["/bin/bash", "-ec"]`, &dockerfile.Shell{Argv: []string{"/bin/bash", "-ec"}}},
		{"WORKDIR /a b", &dockerfile.Workdir{Path: "/a b"}},
		{"USER nobody:nogroup", &dockerfile.User{Name: "nobody:nogroup"}},
		{"EXPOSE 80 443/tcp 8000-8010/UDP", &dockerfile.Expose{Ports: []string{"80", "443/tcp", "8000-8010/UDP"}}},
		{"COPY a b*  c/", &dockerfile.Copy{Sources: []string{"a", "b*"}, Dest: "c/"}},
		{`COPY ["a b", "c"]`, &dockerfile.Copy{Sources: []string{"a b"}, Dest: "c"}},
		{"COPY --chown=1:2 --chmod=0755 --link a /b", &dockerfile.Copy{Sources: []string{"a"}, Dest: "/b", Chown: "1:2", Chmod: "0755"}},
		{"ADD a.tar /b", &dockerfile.Copy{Add: true, Sources: []string{"a.tar"}, Dest: "/b"}},
	} {
		assert.EqualExportedValues(t, c.want, one(t, c.text).Instruction, c.text)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(`# a comment
# escape=\ is no directive here

ARG V=1
from ubuntu:${V} as base
RUN a && \
    # inside
  \
    b \

    c
RUN two\\
CMD x \  
 y
`, "\n", "\r\n")
	f, err := dockerfile.Parse("\ufeff" + text)
	require.NoError(t, err)
	type row struct {
		line     int
		original string
	}
	var got []row
	for _, s := range f.Steps {
		got = append(got, row{s.Line, s.Original})
	}
	assert.Equal(t, []row{
		{4, "ARG V=1"}, {5, "from ubuntu:${V} as base"}, {6, "RUN a &&       b     c"}, {12, `RUN two\\`}, {13, "CMD x  y"},
	}, got)
	assert.Equal(t, &dockerfile.From{Image: "ubuntu:${V}", Name: "base"}, f.Steps[1].Instruction)
	assert.Equal(t, dockerfile.KindFrom, f.Steps[1].Kind)
}

func TestEscapeDirective(t *testing.T) {
	t.Parallel()
	f, err := dockerfile.Parse("# syntax=docker/dockerfile:1\n# Escape = `\nFROM a\nRUN x `\n  y\nENV P=c:\\d`$V Q=\"`\"\"\n")
	require.NoError(t, err)
	assert.Equal(t, &dockerfile.Run{Command: shell("x   y")}, f.Steps[1].Instruction)
	scope := dockerfile.NewScope(nil)
	for _, step := range f.Steps {
		_, err := scope.Next(step)
		require.NoError(t, err)
	}
	assert.Equal(t, map[string]string{"P": `c:\d$V`, "Q": `"`}, scope.Env())
}

func TestHeredocs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want dockerfile.Instruction
	}{
		{"RUN <<EOF\necho a\n# kept \\\n\nEOF\n", &dockerfile.Run{Command: shell("echo a\n# kept \\\n\n")}},
		{"RUN <<-EOF\n\techo a\n\t EOF\n\tEOF\n", &dockerfile.Run{Command: shell("echo a\n EOF\n")}},
		{"RUN <<EOF\nEOF", &dockerfile.Run{Command: shell(":")}},
		{"RUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF", &dockerfile.Run{Command: dockerfile.Command{Script: "#!/usr/bin/env python3\nprint(1)\n"}}},
		{"RUN cat <<'A' >x && \\\n  cat 3<<B\none\nA\ntwo\nB\n", &dockerfile.Run{Command: shell("cat <<'A' >x &&   cat 3<<B\none\nA\ntwo\nB\n")}},
		{"RUN cat <<EOF>x\none\nEOF", &dockerfile.Run{Command: shell("cat <<EOF>x\none\nEOF\n")}},
		{"RUN echo '<<EOF' \"<<EOF\" \\<<EOF $((1<<2)) $((1 << x)) cat <<<w", &dockerfile.Run{Command: shell("echo '<<EOF' \"<<EOF\" \\<<EOF $((1<<2)) $((1 << x)) cat <<<w")}},
		{"COPY <<a.txt <<\"b\" src /d/\n$V\na.txt\n$W\nb\n", &dockerfile.Copy{Sources: []string{"src"}, Dest: "/d/", Inline: []dockerfile.Inline{{"a.txt", "$V\n", false}, {"b", "$W\n", true}}}},
		{"ADD --chmod=600 <<x /d\nhi\nx", &dockerfile.Copy{Add: true, Sources: []string{}, Dest: "/d", Chmod: "600", Inline: []dockerfile.Inline{{"x", "hi\n", false}}}},
		{"CMD cat <<EOF", &dockerfile.Cmd{Command: shell("cat <<EOF")}},
	} {
		assert.EqualExportedValues(t, c.want, one(t, c.text).Instruction, c.text)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		line int
		want string
	}{
		{"", 1, "there is no FROM"},
		{"# only\nARG A", 2, "there is no FROM"},
		{"RUN x", 1, "RUN: stands before FROM"},
		{"FROM a\nRUN x\n\nFROM b", 4, "FROM: a second stage"},
		{"FROM", 1, "needs one image"},
		{"FROM a of b", 1, "needs one image"},
		{"FROM --arch=x a", 1, "--arch: unknown flag"},
		{"FROM a\nRUNN x", 2, "RUNN: unknown instruction: did you mean RUN?"},
		{"FROM a\nworkdri /x", 2, "did you mean WORKDIR?"},
		{"FROM a\nRUN apt-get update &&\n  apt-get install x", 3, "known are FROM, ARG"},
		{"FROM a\nHEALTHCHECK NONE", 2, "HEALTHCHECK: not supported: nothing runs"},
		{"FROM a\nRUN --mount=type=cache,target=/x \\\n y", 2, "RUN: --mount: not supported: there is no build cache"},
		{"FROM a\nRUN --network=none y", 2, "--network: not supported"},
		{"FROM a\nRUN", 2, "RUN: needs a command"},
		{"FROM a\nRUN []", 2, "RUN: needs a command"},
		{"FROM a\nCMD [1]", 2, "takes strings only"},
		{"FROM a\nCMD [\"a\\u0000\"]", 2, "NUL"},
		{"FROM a\nSHELL /bin/sh", 2, "SHELL: needs the JSON form"},
		{"FROM a\nRUN cat <<EOF\nx\n EOF", 2, "the here-document is not closed: a line with only EOF"},
		{"FROM a\nCOPY a", 2, "needs at least one source and a destination"},
		{"FROM a\nCOPY <<EOF\nEOF", 2, "needs at least one source and a destination"},
		{"FROM a\nCOPY <<a/b /x\na/b", 2, "cannot hold a slash"},
		{"FROM a\nCOPY --from=b /x /y", 2, "COPY: --from: not supported: there is one stage"},
		{"FROM a\nCOPY --chmod=u+x x /y", 2, "write it in octal"},
		{"FROM a\nCOPY --chown=:1 x /y", 2, "write user or user:group"},
		{"FROM a\nCOPY https://x/y /z", 2, "COPY: \"https://x/y\" is remote"},
		{"FROM a\nADD x https://x/y /z", 2, "ADD: \"https://x/y\" is remote: not supported, download it with RUN curl"},
		{"FROM a\nADD git@github.com:a/b.git /z", 2, "is remote"},
		{"FROM a\nADD --checksum=sha256:1 x /z", 2, "--checksum: not supported"},
		{"FROM a\nENV", 2, "needs NAME=value"},
		{"FROM a\nENV A", 2, "write A=value"},
		{"FROM a\nENV A=1 B", 2, "\"B\" has no ="},
		{"FROM a\nENV =1", 2, "has no name"},
		{"FROM a\nENV A-B=1", 2, "\"A-B\" is no variable name"},
		{"FROM a\nENV A='x", 2, "a single quote is not closed"},
		{"FROM a\nENV A=\"$x", 2, "a double quote is not closed"},
		{"FROM a\nENV A=${x", 2, "is not a variable"},
		{"FROM a\nENV A=${x/a/b}", 2, "only :- :+ :?"},
		{"FROM a\nENV A=${x:-b", 2, "the closing } is missing"},
		{"FROM a\nARG", 2, "needs a name"},
		{"FROM a\nARG =1", 2, "has no name"},
		{"FROM a\nARG 1a", 2, "is no variable name"},
		{"FROM a\nWORKDIR", 2, "needs a folder"},
		{"FROM a\nUSER --x", 2, "--x: unknown flag"},
		{"FROM a\nEXPOSE 80/http", 2, "is no port"},
		{"FROM a\nEXPOSE 70000", 2, "is no port"},
		{"FROM a\nEXPOSE 90-80", 2, "is no port"},
		{"# escape=x\nFROM a", 1, "escape must be"},
		{"# escape=`\n# escape=`\nFROM a", 2, "a second escape directive"},
		{"FROM a\nRUN \x00", 2, "NUL byte"},
	} {
		_, err := dockerfile.Parse(c.text)
		var e *dockerfile.Error
		if assert.ErrorAs(t, err, &e, "%q", c.text) {
			assert.Equal(t, c.line, e.Line, "%q", c.text)
			assert.ErrorContains(t, err, c.want, "%q", c.text)
		}
	}
}

// What is parsed has a line within the text, and can be walked without a panic.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"FROM a\nRUN x", "# escape=`\nFROM a\nENV A=`$x", "FROM a\nRUN <<-'E'\n\tx\n\tE\n", "FROM a\nCOPY <<a b c/\n${x:-$y}\na",
		"FROM a\nENV A=\"${B:+'c'}\" D=e", "FROM a\nCMD [\"a\"]", "ARG A=1\nFROM $A AS b\nEXPOSE $A/tcp", "FROM a\nRUN a \\\n#c\n\nb",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := dockerfile.Parse(text)
		if err != nil {
			require.ErrorAs(t, err, new(*dockerfile.Error))
			return
		}
		scope, before := dockerfile.NewScope(nil), 0
		for _, step := range file.Steps {
			require.Greater(t, step.Line, before)
			require.LessOrEqual(t, step.Line, strings.Count(text, "\n")+1)
			require.NotContains(t, step.Original, "\n")
			before = step.Line
			next, err := scope.Next(step)
			if err != nil {
				return
			}
			if run, ok := next.Instruction.(*dockerfile.Run); ok {
				require.NotEmpty(t, run.Argv(nil))
			}
			require.True(t, strings.HasPrefix(scope.Workdir, "/"))
		}
	})
}
