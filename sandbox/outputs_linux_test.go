package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a program is sent is there, and what it leaves comes back.
func TestFilesInAndOut(t *testing.T) {
	t.Parallel()
	s := standardSandbox(t)
	res := ok(t, s, Job{
		Code: `
import helper, pathlib
print(open("in/data.csv").read(), open("bytes", "rb").read(), helper.answer)
pathlib.Path("out").mkdir()
pathlib.Path("out/a.txt").write_text("a")
pathlib.Path("out/b.bin").write_bytes(bytes(range(256)))
pathlib.Path("not asked for").write_text("x")
`,
		Files: []InputFile{
			{"in/data.csv", []byte("x,y\n1,2")},
			{"bytes", []byte{0, 0xff}},
			{"helper.py", []byte("answer = 42")},
			{"empty", nil},
		},
		Outputs: []string{"out/*", "empty", "nothing*"},
	})
	if got, want := string(res.Stdout.Data), "x,y\n1,2 b'\\x00\\xff' 42\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	wantFiles(t, res, []OutputFile{fileOf("empty", ""), fileOf("out/a.txt", "a"), fileOf("out/b.bin", string(all))})
}

func fileOf(name, content string) OutputFile {
	sum := sha256.Sum256([]byte(content))
	return OutputFile{Name: name, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]), Data: []byte(content)}
}

func wantFiles(t *testing.T, res Result, want []OutputFile) {
	t.Helper()
	shown := func(files []OutputFile) string {
		var text strings.Builder
		for _, f := range files {
			fmt.Fprintf(&text, "%s %d %s %.20q %s\n", f.Name, f.Size, f.SHA256, f.Data, f.Omitted)
		}
		return text.String()
	}
	if got, want := shown(res.Files), shown(want); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Nothing is returned but regular files of the run's own, whatever it puts in their place.
func TestOutputsThatAreNoFiles(t *testing.T) {
	t.Parallel()
	s := standardSandbox(t)
	res := ok(t, s, Job{
		Code: `
import os
os.mkdir("closed"); open("closed/x", "w").write("x"); os.chmod("closed", 0)
open("secret", "w").write("s"); os.chmod("secret", 0)
os.symlink("/etc/passwd", "link.txt")
os.symlink("own", "own.txt"); open("own", "w").write("o")
os.symlink("/", "root"); os.symlink("..", "up"); os.symlink(".", "self")
os.link("own", "again.txt")
for refused in ("fifo.txt", "device.txt"):
    try: os.mknod(refused, 0o10600 if refused[0] == "f" else 0o20600, 259)
    except PermissionError: print("refused", refused)
os.makedirs("/".join("abcdefghij")); open("/".join("abcdefghij") + "/deep", "w")
`,
		Outputs: []string{"**", "**/*.txt", "root/**", "up/**", "self/**"},
	})
	if got, want := string(res.Stdout.Data), "refused fifo.txt\nrefused device.txt\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var names []string
	for _, f := range res.Files {
		names = append(names, f.Name)
		if strings.Contains(string(f.Data), "root") {
			t.Errorf("%s: %.40q", f.Name, f.Data)
		}
	}
	// As root the server can read what the program has closed to itself; it is the program's own.
	got := strings.Join(names, " ")
	if got != "again.txt closed/x own secret" && got != "again.txt own secret" {
		t.Errorf("returned %q", got)
	}
}

// What is too much is named, and not lost.
func TestOutputsBeyondTheBounds(t *testing.T) {
	t.Parallel()
	s := standardSandbox(t)
	res := ok(t, s, Job{
		Code:    `open("a", "wb").write(bytes(1 << 20)); open("b", "wb").write(bytes(1100000)); open("c", "wb").write(bytes(1000000)); open("sparse", "wb").truncate(4 << 20)`,
		Outputs: []string{"*"},
	})
	sum := sha256.Sum256(make([]byte, 1<<20))
	want := map[string]string{"a": hex.EncodeToString(sum[:]), "b": string(OmittedSize), "sparse": string(OmittedSize)}
	for _, f := range res.Files {
		if said := f.SHA256 + string(f.Omitted); want[f.Name] != "" && said != want[f.Name] {
			t.Errorf("%s: %s", f.Name, said)
		}
	}
	if len(res.Files) != 4 || res.Files[2].Omitted != "" || res.Files[3].Size != 4<<20 {
		t.Errorf("%d files, the third omitted: %q", len(res.Files), res.Files[2].Omitted)
	}

	res = ok(t, s, Job{Code: `for i in range(200): open(f"{i:03}", "w").write("x")`, Outputs: []string{"*"}})
	if len(res.Files) != maxNamed {
		t.Fatalf("%d files are named, want %d", len(res.Files), maxNamed)
	}
	for i, f := range res.Files {
		if (f.Omitted == "") != (i < MaxOutputs) || f.Name != fmt.Sprintf("%03d", i) {
			t.Errorf("%d: %s %s", i, f.Name, f.Omitted)
		}
	}
}

// Among more files than are looked at, those that are named are found, and a pattern for which
// some may be missing is said.
func TestOutputsAmongMany(t *testing.T) {
	t.Parallel()
	requireWorkspaces(t)
	s := startProfile(t, "standard", func(p *Profile, _ *Config) { p.Workspace = 256 })
	res := ok(t, s, Job{
		Code: `
import os
os.mkdir("d"); open("d/named", "w").write("x"); open("[a]", "w").write("x")
for i in range(12000): open(str(i), "w").close()
os.symlink("d/named", "link"); os.symlink("d", "linked")
`,
		Outputs: []string{"d/named", "link", "linked/named", "d", "nowhere", "*.none", "d/named", `\[a\]`},
	})
	var got []string
	for _, f := range res.Files {
		got = append(got, f.Name+" "+string(f.Omitted))
	}
	if want := []string{"d/named ", "*.none search", `\[a\] search`}; !slices.Equal(slices.DeleteFunc(got, func(s string) bool { return s == "[a] " }), want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A search takes its time and no more, whatever the names and the patterns.
func TestOutputsThatTakeLong(t *testing.T) {
	t.Parallel()
	requireWorkspaces(t)
	s := startProfile(t, "standard", func(p *Profile, _ *Config) { p.Workspace = 256 })
	var hard []string
	for i := range MaxPatterns - 1 {
		hard = append(hard, fmt.Sprintf("**/**/*%s*%s%d", strings.Repeat("a", 120), strings.Repeat("a", 110), i))
	}
	begin := time.Now()
	res := ok(t, s, Job{
		Code: `
import os
for i in range(5000): open(f"{i:05}" + "a" * 250, "w").close()
for i in range(7): os.mkdir("a" * 255); os.chdir("a" * 255)
for i in range(1000): open(f"{i:05}" + "a" * 250, "w").close()
`,
		Outputs: append(hard, "00001"+strings.Repeat("a", 250)),
	})
	if took := time.Since(begin) - res.Usage.Wall; took > 5*walkTime {
		t.Errorf("the search took %v", took)
	}
	if len(res.Files) != 1+len(hard) || res.Files[0].Omitted != "" || res.Files[1].Omitted != OmittedSearch {
		t.Errorf("%d files: %+v", len(res.Files), res.Files[:min(2, len(res.Files))])
	}
}

// Files come back however a program ends.
func TestOutputsOfProgramsThatFail(t *testing.T) {
	t.Parallel()
	s := standardSandbox(t)
	const begin = "f = open('left', 'w'); f.write('x'); f.flush()\n"
	for _, c := range []struct {
		end     string
		outcome Outcome
		timeout time.Duration
	}{
		{"1/0", OutcomeFailed, longest},
		{"import os; os._exit(3)", OutcomeFailed, longest},
		{"import os; os.abort()", OutcomeCrashed, longest},
		{"x = bytearray(1 << 40)", OutcomeMemoryLimit, longest},
		{"while True: pass", OutcomeTimeout, longest / 6},
	} {
		res, err := s.Run(t.Context(), Job{Code: begin + c.end, Outputs: []string{"left"}, Limits: Limits{Timeout: c.timeout}})
		if err != nil || res.Outcome != c.outcome {
			t.Errorf("%s: %s, %v", c.end, res.Outcome, err)
		}
		wantFiles(t, res, []OutputFile{fileOf("left", "x")})
	}
}
