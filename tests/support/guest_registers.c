/* Lets user-mode-linux run on processors whose register state is larger than its buffer (those with AMX).

   The guest's kernel saves a child's registers into a buffer of fixed size, which the host fills as far as it
   is moved, and restores them from there, which the host refuses: it wants the whole state. Here the whole state is
   read first, overwritten with what the guest has saved, and written back. The part that the guest does not know
   (AMX tiles) is put into its initial state; nothing in the guest uses it.

   For LD_PRELOAD; built by tests/support/guest.py: cc -shared -fPIC -O1 -o guest_registers.so guest_registers.c */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define MOST_BYTES 65536
#define XSTATE_BV 512 /* offset of the bits that say which parts are not in their initial state */
#define AMX_PARTS ((1UL << 17) | (1UL << 18))

typedef long (*ptrace_call)(int, pid_t, void *, void *);

long ptrace(enum __ptrace_request request, ...)
{
    static ptrace_call real;
    static char whole[MOST_BYTES] __attribute__((aligned(64)));
    va_list rest;
    va_start(rest, request);
    pid_t pid = va_arg(rest, pid_t);
    void *address = va_arg(rest, void *);
    void *data = va_arg(rest, void *);
    va_end(rest);

    if (!real)
        real = (ptrace_call)dlsym(RTLD_NEXT, "ptrace");
    if (request != PTRACE_SETREGSET || (uintptr_t)address != NT_X86_XSTATE)
        return real(request, pid, address, data);

    struct iovec *saved = data, all = {whole, sizeof whole};
    if (real(PTRACE_GETREGSET, pid, address, &all) < 0 || all.iov_len <= saved->iov_len)
        return real(request, pid, address, data);
    memset(whole + saved->iov_len, 0, all.iov_len - saved->iov_len);
    memcpy(whole, saved->iov_base, saved->iov_len);
    uint64_t parts;
    memcpy(&parts, whole + XSTATE_BV, sizeof parts);
    parts &= ~AMX_PARTS;
    memcpy(whole + XSTATE_BV, &parts, sizeof parts);
    return real(request, pid, address, &all);
}
