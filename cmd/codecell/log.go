package main

import (
	"io"
	"log/slog"
)

// newLog returns the program's log: lines of text for a person at a terminal,
// else one JSON object per line with the keys and level names that Cloud
// Logging reads (severity, message, time).
func newLog(w io.Writer, level slog.Leveler, atTerminal bool) *slog.Logger {
	if atTerminal {
		return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: cloudLogging}))
}

// cloudLogging renames what slog calls otherwise, at the top level only.
func cloudLogging(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.MessageKey:
		a.Key = "message"
	case slog.LevelKey:
		if level, ok := a.Value.Any().(slog.Level); ok {
			return slog.String("severity", severity(level))
		}
	}
	return a
}

// severity is Cloud Logging's name for a level: LogSeverity of its API v2.
func severity(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "DEBUG"
	case level < slog.LevelWarn:
		return "INFO"
	case level < slog.LevelError:
		return "WARNING"
	default:
		return "ERROR"
	}
}
