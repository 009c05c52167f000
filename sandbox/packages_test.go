//go:build linux

package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"image/png"
	"strings"
	"sync"
	"testing"
)

// dataScience is the sandbox of the tests that need packages.
var dataScience = sync.OnceValues(func() (*Sandbox, error) {
	p, err := LoadProfile("data-science")
	if err != nil {
		return nil, err
	}
	return New(context.Background(), Config{Profile: p, Slots: cap(dataScienceSeats), Python: "/usr/bin/python3"})
})

// dataScienceSeats are for tests of one run at a time.
var dataScienceSeats = make(seats, 2)

func dataScienceSandbox(t *testing.T) *Sandbox {
	t.Helper()
	requireWorkspaces(t)
	requirePackages(t)
	dataScienceSeats.take(t)
	s, err := dataScience()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A figure that is open at the end comes back, and so does one that is shown; each is what
// the program drew.
func TestFigures(t *testing.T) {
	t.Parallel()
	s := dataScienceSandbox(t)
	const code = `
import matplotlib.pyplot as plt
for shade in ("#ff0000", "#00ff00"):
    plt.figure(facecolor=shade)
    plt.axis("off")
plt.show()
print(plt.get_fignums())
plt.figure(facecolor="#0000ff")
plt.axis("off")
open("other.txt", "w").write("x")
`
	res := ok(t, s, Job{Code: code, Figures: true, Outputs: []string{"*.txt"}})
	if got := string(res.Stdout.Data) + string(res.Stderr.Data); got != "[]\n" {
		t.Errorf("printed %q", got)
	}
	var got []string
	for _, f := range res.Files {
		got = append(got, f.Name+" "+corner(f.Data))
	}
	if got, want := strings.Join(got, ", "), "figure-1.png red, figure-2.png green, figure-3.png blue, other.txt no picture"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}

	// Who does not want them does not get them, and a program without any has none: not
	// those of the run before either.
	if res := ok(t, s, Job{Code: code, Outputs: []string{"**"}}); len(res.Files) != 1 {
		t.Errorf("%d files where no figures are wanted", len(res.Files))
	}
	if res := ok(t, s, Job{Code: "import matplotlib.pyplot as plt; print(plt.get_fignums())", Figures: true}); len(res.Files) != 0 || string(res.Stdout.Data) != "[]\n" {
		t.Errorf("%d files, %s", len(res.Files), res.Stdout.Data)
	}
	// What can't be drawn is told, and is no failure of ours.
	res = runWith(t, s, Job{Code: `import matplotlib.pyplot as plt; plt.title("$\\frac$")`, Figures: true})
	if len(res.Files) > 0 || !strings.Contains(string(res.Stderr.Data), "A figure could not be saved:") {
		t.Errorf("%s %d: %s", res.Outcome, len(res.Files), res.Stderr.Data)
	}
}

// What comes back beside the figures that it has drawn is a program's own, and a figure more
// or less costs it none of the others.
func TestFiguresAndFiles(t *testing.T) {
	t.Parallel()
	s := dataScienceSandbox(t)
	const begin = `
import matplotlib.pyplot as plt, os
def draw(shade):
    plt.figure(facecolor=shade)
    plt.axis("off")
`
	for _, c := range []struct {
		name, code string
		files      []InputFile
		want       string
		says       string
	}{
		{name: "one that can't be drawn", code: `draw("#ff0000"); draw("#00ff00"); plt.axis("on"); plt.title("$\\frac$"); draw("#0000ff")`, want: "figure-1.png red, figure-2.png blue", says: "A figure could not be saved:"},
		{name: "two that can't", code: `for i in range(2): draw("#00ff00"); plt.axis("on"); plt.title("$\\frac$")`, says: "2 figures could not be saved"},
		{name: "another folder", code: `draw("#ff0000"); os.mkdir("d"); os.chdir("d")`, want: "figure-1.png red"},
		{name: "the name is taken", code: `draw("#ff0000"); plt.savefig("figure-1.png"); plt.close(); draw("#00ff00")`, want: "figure-1.png red, figure-2.png green"},
		{name: "an input of the name", code: `draw("#ff0000")`, files: []InputFile{{"figure-1.png", []byte("mine")}}, want: "figure-2.png red"},
		{name: "only an input", code: `pass`, files: []InputFile{{"figure-1.png", []byte("mine")}}},
		{name: "a link of the name", code: `draw("#ff0000"); os.symlink("/dev/null", "figure-1.png")`, want: "figure-2.png red"},
		{name: "interactive", code: `plt.ion(); draw("#ff0000"); plt.show(); plt.gcf().set_facecolor("#0000ff"); plt.pause(0.01)`, want: "figure-1.png blue"},
		{name: "not blocking", code: `draw("#ff0000"); plt.show(block=False); plt.gcf().set_facecolor("#0000ff")`, want: "figure-1.png blue"},
		{name: "shown in between", code: `draw("#ff0000"); plt.show(); draw("#0000ff")`, want: "figure-1.png red, figure-2.png blue"},
		{name: "too many", code: `for i in range(34): draw("#ff0000"); plt.gcf().set_size_inches(1, 1)`, want: "32 files", says: "2 figures were not saved: 32 are the most"},
		{name: "a full folder", code: `
draw("#ff0000")
try: open("big", "wb").write(bytes(80 << 20))
except OSError as exc: print(exc.strerror)`, says: "No space left on device"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := ok(t, s, Job{Code: begin + c.code, Figures: true, Files: c.files})
			var got []string
			for _, f := range res.Files {
				got = append(got, f.Name+" "+corner(f.Data))
			}
			if len(got) > 9 {
				got = []string{fmt.Sprintf("%d files", len(got))}
			}
			if got := strings.Join(got, ", "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if said := string(res.Stdout.Data) + string(res.Stderr.Data); !strings.Contains(said, c.says) || strings.Contains(said, "<codecell/workplace") && c.says == "" {
				t.Errorf("%q, want %q in it", said, c.says)
			}
		})
	}
}

// All that the packages have in C can be imported, whether it is warm or not.
func TestNativeCodeOfPackages(t *testing.T) {
	t.Parallel()
	s := dataScienceSandbox(t)
	res := ok(t, s, Job{Code: `
import importlib, os, sys, warnings
import contourpy, matplotlib, numpy, pandas, PIL, scipy
warnings.simplefilter("ignore")
tried = 0
for package in (contourpy, matplotlib, numpy, pandas, PIL, scipy):
    above, top = os.path.split(package.__path__[0])
    for folder, _, files in os.walk(package.__path__[0]):
        for file in files:
            if file.endswith(".so"):
                tried += 1
                name = os.path.relpath(os.path.join(folder, file.partition(".")[0]), above).replace("/", ".")
                try: importlib.import_module(name)
                except ImportError as exc:
                    if "tk" not in name: print(name, exc)  # windows
print(tried > 100)
`})
	if got := string(res.Stdout.Data); got != "True\n" {
		t.Errorf("%s", got)
	}
}

// corner says which colour a picture's first pixel has.
func corner(data []byte) string {
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return "no picture"
	}
	shade := color.RGBAModel.Convert(picture.At(0, 0))
	for name, want := range map[string]color.RGBA{"red": {255, 0, 0, 255}, "green": {0, 255, 0, 255}, "blue": {0, 0, 255, 255}} {
		if shade == want {
			return name
		}
	}
	return "another colour"
}

// Whatever a run does to the packages' state, the next finds what the first found. The
// interpreter in which they were imported never runs a program.
func TestNoStateStaysInPackages(t *testing.T) {
	s := dataScienceSandbox(t)
	const state = `
import numpy as np, pandas as pd, matplotlib as mpl, matplotlib.pyplot as plt, scipy.stats, warnings, locale, decimal, random, logging, sys, os, threading, tempfile
print(plt.get_fignums(), mpl.get_backend(), mpl.rcParams["figure.figsize"], mpl.rcParams["lines.linewidth"], plt.style.library.get("mine"))
print(np.geterr(), np.get_printoptions()["precision"], getattr(np, "mine", None))
print(pd.get_option("display.max_rows"), pd.get_option("mode.chained_assignment"), getattr(pd.DataFrame, "mine", None))
print(warnings.filters, len(logging.root.handlers), logging.root.level)
print(decimal.getcontext().prec, threading.active_count(), sorted(k for k in os.environ if "MINE" in k), "mine" in sys.modules)
print(getattr(scipy.stats.norm, "mine", None), scipy.stats.norm.random_state is np.random.mtrand._rand)
`
	clean := string(ok(t, s, Job{Code: state}).Stdout.Data)
	if !strings.HasPrefix(clean, "[] agg ") {
		t.Fatalf("a fresh run has %s", clean)
	}
	ok(t, s, Job{Code: state + `
plt.plot([1]); plt.figure()
mpl.rcParams["figure.figsize"] = (1, 1); plt.style.use("ggplot"); mpl.rcParams["lines.linewidth"] = 99; plt.style.library["mine"] = {}
np.seterr(all="raise"); np.set_printoptions(precision=1); np.mine = 1
pd.set_option("display.max_rows", 1); pd.set_option("mode.chained_assignment", "raise"); pd.DataFrame.mine = 1
warnings.simplefilter("error"); logging.basicConfig(level=1); decimal.getcontext().prec = 1
os.environ["MINE"] = "1"; sys.modules["mine"] = np; scipy.stats.norm.mine = 1; scipy.stats.norm.random_state = 1
np.random.seed(1); random.seed(1)
`})
	if again := string(ok(t, s, Job{Code: state}).Stdout.Data); again != clean {
		t.Errorf("then\n%sfirst\n%s", again, clean)
	}
}

// No two runs draw the same numbers, from whichever source.
func TestRandomNumbersDiffer(t *testing.T) {
	t.Parallel()
	s := dataScienceSandbox(t)
	const code = `
import random, numpy as np, scipy.stats, uuid, secrets
print(random.random(), np.random.rand(), np.random.default_rng().random(), scipy.stats.norm.rvs(), uuid.uuid4(), secrets.token_hex(8))
`
	seen := map[string]bool{}
	for range 5 {
		for number := range strings.FieldsSeq(string(ok(t, s, Job{Code: code}).Stdout.Data)) {
			if seen[number] {
				t.Errorf("%s was drawn before", number)
			}
			seen[number] = true
		}
	}
	if len(seen) != 30 {
		t.Errorf("%d numbers, want 30", len(seen))
	}
}

// Where data counts, a run may map libraries and no more to write to than its limit.
func TestMemoryKindData(t *testing.T) {
	t.Parallel()
	s := dataScienceSandbox(t)
	const code = `
import numpy as np
held = []
try:
    while True: held.append(np.ones(1 << 20))  # 8 MiB
except MemoryError: print(len(held) * 8)
`
	for _, memory := range []MiB{256, 512, 1024} {
		var held MiB
		res := ok(t, s, Job{Code: code, Limits: Limits{Memory: memory}})
		for _, digit := range strings.TrimSpace(string(res.Stdout.Data)) {
			held = 10*held + MiB(digit-'0')
		}
		if held < memory-200 || held > memory {
			t.Errorf("of %d MiB a program could have %d: %s", memory, held, res.Stderr.Data)
		}
	}
	res := runWith(t, s, Job{Code: "import numpy as np\nx = np.ones(1 << 28)"})
	if res.Outcome != OutcomeMemoryLimit {
		t.Errorf("2 GiB: %s", res.Outcome)
	}
}

// What people do with these packages works, all of it in a folder of its own.
func TestPackages(t *testing.T) {
	t.Parallel()
	s := dataScienceSandbox(t)
	res := ok(t, s, Job{
		Code: `
import io, numpy as np, pandas as pd, matplotlib.pyplot as plt
from scipy import stats, optimize, integrate, interpolate, signal, linalg, sparse, ndimage, fft, special, cluster, spatial
df = pd.read_csv("sales.csv", parse_dates=["day"])
print(df.groupby("shop").amount.sum().to_dict())
df.set_index("day").resample("2D").amount.sum().plot()
df.boxplot(column="amount", by="shop")
df.to_json("sales.json", orient="records"); df.to_pickle("sales.pkl")
assert pd.read_pickle("sales.pkl").equals(df)
np.save("a.npy", np.eye(3)); print(np.load("a.npy").trace(), np.load("a.npy", mmap_mode="r")[0, 0])
np.savetxt("a.txt", np.eye(2)); print(np.loadtxt("a.txt").sum())
print(np.linalg.solve([[2, 0], [0, 4]], [2, 4]), round(optimize.brentq(lambda x: x * x - 2, 0, 2), 3), round(integrate.quad(np.sin, 0, np.pi)[0], 3))
print(stats.ttest_ind([1, 2, 3], [1, 2, 3]).pvalue, fft.fft([1, 0, 0, 0]).real.tolist(), sparse.eye(3).sum())
fig = plt.figure(); ax = fig.add_subplot(projection="3d"); ax.plot([0, 1], [0, 1], [0, 1]); fig.savefig("chart.pdf"); fig.savefig("chart.svg")
import sqlite3
df.drop(columns="day").to_sql("t", sqlite3.connect("x.db")); print(pd.read_sql("select count(*) n from t", sqlite3.connect("x.db")).n[0])
`,
		Files:   []InputFile{{"sales.csv", []byte("day,shop,amount\n2026-01-01,a,1\n2026-01-02,b,2\n2026-01-03,a,3\n")}},
		Figures: true, Outputs: []string{"chart.*", "sales.json"},
	})
	want := "{'a': 4, 'b': 2}\n3.0 1.0\n2.0\n[1. 1.] 1.414 2.0\n1.0 [1.0, 1.0, 1.0, 1.0] 3.0\n3\n"
	if got := string(res.Stdout.Data); got != want || len(res.Stderr.Data) > 0 {
		t.Errorf("got %s, want %s: %s", got, want, res.Stderr.Data)
	}
	var names []string
	for _, f := range res.Files {
		names = append(names, f.Name)
	}
	if got, want := strings.Join(names, " "), "chart.pdf chart.svg figure-1.png figure-2.png figure-3.png sales.json"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
