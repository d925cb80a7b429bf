/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The six fault types, and the causes that findings name, in plain words. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetafix/command_say.h"
#include "fetafix/faults.h"
#include "program/verbs.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void explain_type(ff_context *c, ff_fault_type t)
{
    ff_say(c, "%s: %s\n\n", ff_fault_type_name(t), ff_fault_type_title(t));
    ff_say_paragraphs(c, ff_fault_type_text(t));
    const char **causes = NULL;
    size_t n = 0, capacity = 0;
    for (int i = 0; ff_cause_at(i); i++) {
        ff_grow(&causes, &capacity, n + 1, sizeof *causes);
        if (ff_cause_at(i)->type == t)
            causes[n++] = ff_cause_at(i)->name;
    }
    qsort(causes, n, sizeof *causes, by_name);
    ff_buf names = {0};
    for (size_t i = 0; i < n; i++)
        ff_buf_printf(&names, "%s%s", i ? ", " : "Causes: ", causes[i]);
    ff_say(c, "\n");
    ff_say_paragraphs(c, names.data);
    ff_buf_finish(&names);
    free(causes);
}

static void explain_cause(ff_context *c, const ff_cause *cause)
{
    bool fault = cause->type < FF_FAULT_TYPES;
    ff_say(c, "%s%s%s\n\n", cause->name, fault ? ": a fault of type " : "",
           fault ? ff_fault_type_name(cause->type) : "");
    ff_say_paragraphs(c, cause->text);
}

/* A word that is neither, with the nearest that is one. */
static int unknown(const char *word)
{
    const char **names = NULL;
    size_t n = 0, capacity = 0;
    for (int t = 0; t < FF_FAULT_TYPES; t++) {
        ff_grow(&names, &capacity, n + 1, sizeof *names);
        names[n++] = ff_fault_type_name((ff_fault_type)t);
    }
    for (int i = 0; ff_cause_at(i); i++) {
        ff_grow(&names, &capacity, n + 1, sizeof *names);
        names[n++] = ff_cause_at(i)->name;
    }
    const char *near = ff_nearest(word, names, n);
    free(names);
    return near ? ff_fail(FF_ERR_USAGE, "'%s' is no fault type; did you mean '%s'?", word, near)
                : ff_fail(FF_ERR_USAGE, "'%s' is no fault type (PP ID TSS WB LH CG) and no cause", word);
}

int verb_explain(ff_context *c, int argc, char **argv)
{
    for (int t = 0; t < FF_FAULT_TYPES; t++) {
        const char *name = ff_fault_type_name((ff_fault_type)t);
        if (argc == 0) {
            ff_say(c, "%-4s %s\n", name, ff_fault_type_title((ff_fault_type)t));
        } else if (strcasecmp(argv[0], name) == 0) {
            explain_type(c, (ff_fault_type)t);
            return FF_OK;
        }
    }
    const ff_cause *cause = argc ? ff_cause_named(argv[0]) : NULL;
    if (cause)
        explain_cause(c, cause);
    return argc && !cause ? unknown(argv[0]) : FF_OK;
}
