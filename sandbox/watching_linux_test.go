package sandbox

import (
	"os"
	"testing"
	"testing/fstest"
)

func TestReadMemory(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	root := fstest.MapFS{
		"proc/self/statm":              file("900 300 200 1 0 2 0\n"),
		"v1/memory.usage_in_bytes":     file("5000\n"),
		"v1/memory.oom_control":        file("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
		"v2/memory.current":            file("7000\n"),
		"v2/memory.events":             file("low 0\nhigh 0\nmax 9\noom 9\noom_kill 4\noom_group_kill 0\n"),
		"gvisor/memory.usage_in_bytes": file("5000\n"),
		"gvisor/memory.oom_control":    file(""),
		"half/memory.current":          file("7000\n"),
	}
	server := 300 * int64(os.Getpagesize())
	for _, c := range []struct {
		name   string
		cgroup *memoryCgroup
		want   Memory
		fails  bool
	}{
		{"RAM alone", nil, Memory{Server: server}, false},
		{"v1", &memoryCgroup{1, "/v1", 8000}, Memory{server, true, 5000, 8000, 3}, false},
		{"v2", &memoryCgroup{2, "/v2", 9000}, Memory{server, true, 7000, 9000, 4}, false},
		{"kills are not counted", &memoryCgroup{1, "/gvisor", 8000}, Memory{server, true, 5000, 8000, 0}, false},
		{"no events", &memoryCgroup{2, "/half", 9000}, Memory{server, true, 7000, 9000, 0}, true},
		{"gone", &memoryCgroup{2, "/gone", 9000}, Memory{Server: server}, true},
	} {
		if got, err := readMemory(root, c.cgroup); got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}
