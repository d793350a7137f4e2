"""The system calls that a process of the sandbox may not make: those that reach out of it or make more of it."""

import errno
import io
import os
import sys

REFUSED = (  # with EPERM
    "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd",
    "pidfd_open", "kcmp", "unshare", "setns", "mount", "umount2", "move_mount", "open_tree", "fsopen", "fsmount",
    "fspick", "fsconfig", "mount_setattr", "pivot_root", "chroot", "bpf", "perf_event_open", "userfaultfd",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "add_key", "request_key", "keyctl",
    "open_by_handle_at", "name_to_handle_at", "init_module", "finit_module", "delete_module", "kexec_load",
    "kexec_file_load", "reboot", "swapon", "swapoff", "syslog", "acct", "quotactl", "quotactl_fd", "nfsservctl",
    "lookup_dcookie", "personality", "vmsplice", "move_pages", "migrate_pages", "mbind", "set_mempolicy", "iopl",
    "ioperm", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "mknod",
    "mknodat", "fanotify_init", "shmget", "shmat", "semget", "msgget", "mq_open", "setpriority",
    "sched_setscheduler", "sched_setattr", "ioprio_set", "vhangup", "memfd_create", "memfd_secret",
)  # fmt: skip
_CLONE_THREAD = 0x10000


def program() -> bytes | None:
    """The filter as the kernel reads it (cBPF); None where libseccomp or its Python binding is missing."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError):  # RuntimeError: the library is not there
        return None
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    for name in REFUSED:
        try:
            rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
        except (OSError, ValueError):  # this kind of machine has no such call
            continue
    thread = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, 0)
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", thread)  # threads, but no processes
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "prlimit64", pyseccomp.Arg(0, pyseccomp.NE, 0))  # another's limits
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags cannot be seen: libc then takes clone
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "socket", pyseccomp.Arg(0, pyseccomp.NE, 1))  # 1: AF_UNIX
    reading, writing = os.pipe()
    with io.FileIO(reading) as read:
        with io.FileIO(writing, "w") as write:
            rules.export_bpf(write)
        return read.readall()
