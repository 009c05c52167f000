package main

import (
	"fmt"
	"strconv"
	"time"

	"codecell/function"
)

// platformWarnings are sentences for the log about what the platform says of itself
// and what will not go together with it. Longest is how long a program may run.
//
// K_SERVICE is set by Cloud Run and Knative, CLOUD_RUN_TIMEOUT_SECONDS by Cloud Run
// functions: the service's request time-out.
func platformWarnings(getenv func(string) string, config function.Config, longest time.Duration) []string {
	var warnings []string
	if service := getenv("K_SERVICE"); service != "" && config.Loopback {
		warnings = append(warnings, fmt.Sprintf(
			"LOCAL_ONLY=true, but K_SERVICE=%q says that this is Cloud Run or Knative: nobody outside this container gets an answer. Unset LOCAL_ONLY", service))
	}
	const name = "CLOUD_RUN_TIMEOUT_SECONDS"
	if text := getenv(name); text != "" {
		seconds, err := strconv.Atoi(text)
		least := longest + config.MaxWait
		switch {
		case err != nil || seconds <= 0:
			warnings = append(warnings, fmt.Sprintf("%s=%q: want whole seconds; nothing depends on it here", name, text))
		case time.Duration(seconds)*time.Second <= least:
			warnings = append(warnings, fmt.Sprintf(
				"%s=%d: a program may take %v with its wait, so the platform would answer 504 for some. Raise the service's request time-out above that", name, seconds, least))
		}
	}
	return warnings
}
