#include "own_network.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool own_network_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0) {
        (void)close(fd);
    }
    return good;
}

/* Who is not root is it in a user namespace. */
bool own_network_begin(void)
{
    char map[64];
    unsigned uid = (unsigned)getuid();
    unsigned gid = (unsigned)getgid();

    if (unshare(CLONE_NEWNET) == 0) {
        return true;
    }
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        return false;
    }
    (void)snprintf(map, sizeof map, "0 %u 1", uid);
    bool good = own_network_write("/proc/self/setgroups", "deny") &&
                own_network_write("/proc/self/uid_map", map);
    (void)snprintf(map, sizeof map, "0 %u 1", gid);
    return good && own_network_write("/proc/self/gid_map", map);
}
