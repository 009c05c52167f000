package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
)

func TestLogForCloudLogging(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newLog(&out, slog.LevelDebug, false)
	for level, want := range map[slog.Level]string{
		slog.LevelDebug: "DEBUG", slog.LevelInfo: "INFO", slog.LevelWarn: "WARNING", slog.LevelError: "ERROR", slog.LevelError + 4: "ERROR",
	} {
		out.Reset()
		log.Log(t.Context(), level, "said", slog.Group("program", slog.String("msg", "kept"), slog.String("level", "kept")))
		var line struct {
			Severity, Message, Time string
			Program                 struct{ Msg, Level string }
		}
		decoder := json.NewDecoder(&out)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&line); err != nil {
			t.Fatalf("%v: %v", level, err)
		}
		if line.Severity != want || line.Message != "said" || line.Time == "" {
			t.Errorf("%v: %+v, want severity %s", level, line, want)
		}
		if line.Program.Msg != "kept" || line.Program.Level != "kept" {
			t.Errorf("%v: keys inside a group were renamed: %+v", level, line)
		}
	}
}

func TestLogAtTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newLog(&out, slog.LevelInfo, true)
	log.Debug("hidden")
	log.Info("said")
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "msg=said") || strings.HasPrefix(got, "{") {
		t.Errorf("at a terminal: %q, want one line of text", got)
	}
}
