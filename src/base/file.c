/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole files in, whole files out. */
#include "fetafix/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int ff_read_file(const char *path, uint64_t limit, char **data, size_t *size)
{
    int code = FF_OK;
    char *bytes = NULL;
    struct stat st;
    /* Without O_NONBLOCK, opening a pipe waits for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int why = errno;
        return ff_fail(FF_ERR_INPUT, "'%s': %s", path, why == ENOENT ? "no such file" : strerror(why));
    }
    if (fstat(fd, &st) != 0) {
        code = ff_fail(FF_ERR_INPUT, "'%s': %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        code = ff_fail(FF_ERR_INPUT, "'%s': %s", path, S_ISDIR(st.st_mode) ? "is a folder" : "is not a regular file");
        goto out;
    }
    if ((uint64_t)st.st_size > limit) {
        code = ff_fail(FF_ERR_INPUT, "'%s': %lld bytes is larger than the limit of %llu", path, (long long)st.st_size,
                       (unsigned long long)limit);
        goto out;
    }
    size_t room = (size_t)st.st_size, n = 0;
    bytes = malloc(room + 1);
    if (!bytes) {
        code = ff_fail(FF_ERR_NOMEM, "'%s': out of memory for %zu bytes", path, room);
        goto out;
    }
    while (n < room) {
        ssize_t got = read(fd, bytes + n, room - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            code = ff_fail(FF_ERR_INPUT, "'%s': %s", path, strerror(errno));
            goto out;
        }
        if (got == 0)
            break; /* the file shrank meanwhile */
        n += (size_t)got;
    }
    bytes[n] = '\0';
    *data = bytes;
    *size = n;
    bytes = NULL;
out:
    free(bytes);
    close(fd);
    return code;
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, bytes, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        bytes += put;
        n -= (size_t)put;
    }
    return 0;
}

/* A device or pipe (as /dev/null, /dev/stdout) is written to, not replaced. */
static int write_special(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write_all(fd, data, size) != 0) {
        int why = errno;
        if (fd >= 0)
            close(fd);
        return ff_fail(FF_ERR_INPUT, "'%s': cannot be written: %s", path, strerror(why));
    }
    close(fd);
    return FF_OK;
}

static int refuse_existing(const char *path)
{
    return ff_fail(FF_ERR_USAGE, "'%s' exists; --force overwrites", path);
}

/* The new name becomes durable with its folder. Some file systems cannot sync one; that is fine. */
static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
}

int ff_write_file(const char *path, const void *data, size_t size, bool force)
{
    static atomic_uint counter;
    int code = FF_OK, fd = -1;
    char *folder = NULL, *beside = NULL;
    struct stat st;

    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return ff_fail(FF_ERR_INPUT, "'%s': cannot be written: is a folder", path);
        if (!S_ISREG(st.st_mode))
            return write_special(path, data, size);
        if (!force)
            return refuse_existing(path);
    }
    folder = ff_path_dirname(path);
    do {
        free(beside);
        beside = ff_asprintf("%s/.fetafix-%ld-%u.tmp", folder, (long)getpid(), atomic_fetch_add(&counter, 1));
        fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (fd < 0 && errno == EEXIST);
    if (fd < 0) {
        code = ff_fail(FF_ERR_INPUT, "'%s': cannot be written: %s", path, strerror(errno));
        goto out;
    }
    if (write_all(fd, data, size) != 0 || fsync(fd) != 0)
        goto failed;
    if (close(fd) != 0) {
        fd = -1;
        goto failed;
    }
    fd = -1;
    if (force ? rename(beside, path) == 0 : renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_NOREPLACE) == 0) {
        sync_folder(folder);
        goto out;
    }
    if (!force && errno == EEXIST) {
        code = refuse_existing(path);
        unlink(beside);
        goto out;
    }
    /* Not every file system knows RENAME_NOREPLACE; a hard link does not replace either. */
    if (!force && (errno == EINVAL || errno == ENOSYS)) {
        if (link(beside, path) == 0 || (errno != EEXIST && rename(beside, path) == 0)) {
            unlink(beside);
            sync_folder(folder);
            goto out;
        }
        if (errno == EEXIST) {
            code = refuse_existing(path);
            unlink(beside);
            goto out;
        }
    }
failed:
    code = ff_fail(FF_ERR_INPUT, "'%s': cannot be written: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    unlink(beside);
out:
    free(beside);
    free(folder);
    return code;
}

char *ff_path_join(const char *folder, const char *name)
{
    if (*name == '/' || !*folder)
        return ff_strdup(name);
    size_t n = strlen(folder);
    return ff_asprintf(folder[n - 1] == '/' ? "%s%s" : "%s/%s", folder, name);
}

char *ff_path_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ff_strdup(".");
    return ff_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

const char *ff_path_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
