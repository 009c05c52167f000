"""The inner jail: what each run puts around itself before it has seen one byte of
its program. The zygote, which it was forked from, stands in the outer jail already.
"""

from __future__ import annotations

import _signal
import os
import resource
import stat
import struct

PLACES = (0, 1, 2, 3)  # of the run's descriptors: three streams, and run.py's CONTROL
NICER = 10  # than the server, which answers others while a program burns every core

PATH_BENEATH = 1  # LANDLOCK_RULE_PATH_BENEATH
RULE = struct.Struct("=Qi")  # struct landlock_path_beneath_attr: rights, descriptor


def limits_for(files: dict | None, processes: int) -> tuple[tuple[int, int], ...]:
    """Limits that are the same for every run. FSIZE: without a workspace no file grows,
    whatever is open. SIGPENDING counts by uid: any room in it would be a channel between runs."""
    return (
        (resource.RLIMIT_FSIZE, files["size"] if files else 0),
        (resource.RLIMIT_NOFILE, 64 if files else 16),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_SIGPENDING, 0),
    )


def rules_for(kernel, files: dict | None) -> list:
    """What every run may reach beside its workspace, as landlock_add_rule(2) takes it. The
    descriptors stay open in the zygote: paths are gone by the time that it forks."""
    if files is None:
        return []
    null = os.open(os.devnull, os.O_PATH | os.O_CLOEXEC)
    rules = [kernel.Memory(RULE.pack(files["null_access"], null))]
    for path in files["read"]:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        access = files["read_access"]
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            access &= 1 << 2  # LANDLOCK_ACCESS_FS_READ_FILE: EINVAL for others on a file
        rules.append(kernel.Memory(RULE.pack(access, fd)))
    return rules


class Jail:
    """The inner jail: prepared once in the zygote, entered by every run."""

    def __init__(self, kernel, config: dict) -> None:
        self.kernel = kernel
        self.calls: dict[str, int] = config["calls"]
        self.ruleset = kernel.Memory(bytes.fromhex(config["ruleset"])) if config["ruleset"] else None
        self.filter = kernel.Filter(bytes.fromhex(config["inner"]), config["pid_offsets"])
        # gVisor refuses to set a limit that it does not keep, even to what it is.
        limits = limits_for(config["files"], config["processes"])
        self.limits = [limit for limit in limits if resource.getrlimit(limit[0]) != (limit[1],) * 2]
        self.priority = min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICER)
        self.files: int = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.counts_data: bool = config["memory"] == "data"
        self.mapped = 0  # bytes, by the zygote once it is warm
        self.rules = rules_for(kernel, config["files"])
        self.work_access: int = config["files"]["work_access"] if config["files"] else 0

    def enter(self, zygote: int, memory: int, cpu: int, fds: tuple[int, ...]) -> None:
        """Take every step, in this order. One that fails raises, and self.step names it."""
        call, number = self.kernel.call, self.calls
        # First: from here on this process does not outlive its zygote.
        self.step = "pdeathsig"
        call(number["prctl"], 1, _signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != zygote:  # it died before that call
            os._exit(1)
        # A ruleset of this run's own, closed with the others: a rule added to a shared one
        # would open every later run.
        self.step = "landlock"
        if self.ruleset is not None:
            ruleset = call(number["landlock_create_ruleset"], self.ruleset.address, self.ruleset.size, 0)
            for rule in self.rules:
                call(number["landlock_add_rule"], ruleset, PATH_BENEATH, rule.address)
            if self.work_access:
                work = self.kernel.Memory(RULE.pack(self.work_access, fds[4]))
                call(number["landlock_add_rule"], ruleset, PATH_BENEATH, work.address)
            call(number["landlock_restrict_self"], ruleset, 0)
        if self.work_access:
            self.step = "workspace"
            os.fchdir(fds[4])
        # Only the run's own descriptors, on fresh open file descriptions: state on
        # a shared one would reach other runs.
        self.step = "descriptors"
        for fd, place in zip(fds, PLACES):
            os.dup2(fd, place)
        os.closerange(len(PLACES), self.files)
        self.step = "rlimits"
        for what, value in self.limits:
            resource.setrlimit(what, (value, value))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
        if self.counts_data:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
            memory += self.mapped
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        self.step = "priority"
        os.setpriority(os.PRIO_PROCESS, 0, self.priority)
        # The kernel wakes whoever waits for the futexes on this list when we end, in any
        # process that has the same page of a file, and asks no filter (set_robust_list(2)).
        self.step = "robust_list"
        call(number["set_robust_list"], 0, 24)
        # Last, because it refuses all of the above.
        self.step = "seccomp"
        self.filter.install(number["seccomp"])
