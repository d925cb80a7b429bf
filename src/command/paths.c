/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetafix/command.h"
#include "fetafix/command_paths.h"

/* $VARIABLE/name, or ~/usual/name. A relative path in the variable is invalid, as the standard has it. */
static char *user_path(const char *variable, const char *usual, const char *name)
{
    const char *folder = getenv(variable), *home = getenv("HOME");
    if (folder && *folder == '/')
        return ff_asprintf("%s/%s", folder, name);
    return home && *home ? ff_asprintf("%s/%s/%s", home, usual, name) : NULL;
}

char *ff_config_path(void)
{
    char *path = user_path("XDG_CONFIG_HOME", ".config", "fetafix/config");
    if (path && access(path, F_OK) == 0)
        return path;
    free(path);
    return NULL;
}

char *ff_history_path(void)
{
    return user_path("XDG_STATE_HOME", ".local/state", "fetafix/history");
}

bool ff_make_folders(const char *path)
{
    char *folder = ff_strdup(path);
    bool fine = true;
    for (char *s = folder + 1; fine && (s = strchr(s, '/')); s++) {
        *s = '\0';
        fine = mkdir(folder, 0700) == 0 || errno == EEXIST;
        *s = '/';
    }
    free(folder);
    return fine;
}
