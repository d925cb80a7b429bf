/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/command.h: the words of the program. One table of commands behind the command line, the `:`
 * prompt, keys, scripts, the REPL, help, the man page and completion. A key binding is a command line.
 *
 *     ff_command_run(context, "accept 3")     looks the command up, checks its words, runs it
 *
 * A command never blocks on the engine unless the context says so (`wait`: batch, scripts).
 */
#ifndef FETAFIX_COMMAND_H
#define FETAFIX_COMMAND_H

#include <stdio.h>

#include "fetafix/lessons.h"
#include "fetafix/report.h"

/* Where a command may be used. */
enum {
    FF_AT_SHELL = 1,    /* fetafix VERB ... */
    FF_AT_PROMPT = 2,   /* `:` prompt, REPL, scripts */
    FF_AT_EXPLORER = 4, /* only where there are views */
    FF_AT_TEAM = 8,     /* with FF_AT_SHELL: the processes of mpirun share its work */
    FF_TAKES_TEXT = 16, /* the rest of the line is one word, quotes and all: SQL */
    FF_LOOKS = 32,      /* prints what is asked for and changes nothing: `show` may stand before it */
    FF_AT_ONCE = 64,    /* needs no result of the engine: never waits behind other lines */
};

typedef struct ff_options ff_options;

typedef struct ff_context {
    ff_session *session;       /* NULL: none open */
    const ff_options *options; /* of the command line; NULL: defaults */
    ff_lesson *lesson;         /* NULL: none is held; findings and repairs wait until it is answered */
    bool quit;                 /* set by `quit`: the front end ends after this command */
    bool wait;                 /* wait for jobs and print their outcome */
    bool quiet, verbose, color, progress;
    bool terminal; /* what is printed goes to a terminal: tables are cut to its width */
    int margin;    /* cells of a line that a frame takes there */
    ff_format format;
    void (*print)(void *sink, const char *text); /* data, whole lines */
    void (*note)(void *sink, const char *text);  /* one line without newline: notes and errors */
    void *sink;
    /* The explorer's own verbs ("view heat", "zoom", "down 3"): true when it took the words. */
    bool (*view)(void *sink, int argc, char **argv);
    /* Where `wait` is not set, lines that need a job's result are kept until the front end calls
     * ff_command_resume. Private to the command layer. */
    const char *line; /* that runs now */
    struct ff_later *later;
    int64_t edit_job; /* the last short job that changes the case */
    int64_t answered; /* the job that a line waited for */
    bool again, resuming, asked;
    /* Of a verb of the shell that the engine runs for the prompt; NULL: the shell's own. */
    const ff_task *task;
    ff_model *target; /* what the word `target` names then */
    int depth;        /* of scripts within scripts */
    /* Opens the explorer on a terminal; NULL: there is none. */
    int (*explore)(ff_session *s, const ff_options *o);
} ff_context;

typedef struct ff_command {
    const char *name;
    const char *arguments; /* "PATH [--force]" */
    const char *summary;   /* one line */
    const char *help;      /* paragraphs, or NULL */
    const char *keys;      /* keys of the explorer bound to it, blank between: "a", "C-r" */
    int where;
    int min_args, max_args;                           /* max -1: any number */
    int (*run)(ff_context *c, int argc, char **argv); /* argv[0]: the name; NULL: shell only */
    /* As a verb of the shell: options are parsed already (c->options), argv holds the operands.
     * Returns an ff_code, or the exit code 1 (discrepancy). NULL: not a verb. */
    int (*shell)(ff_context *c, int argc, char **argv);
    const char *also;      /* other words for it, blank between; NULL: none */
    const char *at_prompt; /* arguments at the prompt, where a case is open; NULL: as above */
} ff_command;

/* The rows, sorted by name, behind the last one a row without a name: the program's (src/program/commands.c). */
extern const ff_command ff_commands[];
const ff_command *ff_command_at(int i);              /* from 0 until NULL, sorted for help */
const ff_command *ff_command_find(const char *name); /* unique prefixes and other words too; NULL */
/* Of several of a name or prefix, what may be used there (FF_AT_...). */
const ff_command *ff_command_find_at(const char *name, int where);
/* The words it takes at a place: the prompt's, or with the explorer's. */
int ff_context_where(const ff_context *c);
/* FF_ERR_USAGE with what was perhaps meant by the name of a command. */
int ff_command_unknown(int where, const char *name) FF_MUST_USE;
/* What it takes at the prompt: a case is open there, so most verbs of the shell take nothing. */
const char *ff_command_prompt_arguments(const ff_command *c);
/* Splits a line as a shell does (quotes, backslash), runs it. FF_ERR_USAGE suggests the nearest name.
 * What it prints goes to `| COMMAND` of the shell (not in the explorer), to `> FILE` that is new, to
 * `>| FILE` or behind what `>> FILE` holds. `!COMMAND` is the shell's. --text, --json or --csv among the
 * words is the format of this one answer. */
int ff_command_run(ff_context *c, const char *line);
/* Does a line wait for this job's end, or for what the snapshot tells by now (job -1)? Such lines are run
 * one by one, as by ff_command_run; the job ended well (`done`) or not. */
bool ff_command_waits(const ff_context *c, int64_t job);
int ff_command_resume(ff_context *c, bool done);
/* Lines that still wait are dropped: the front end ends. */
void ff_command_forget(ff_context *c);
/* Completions of the last word of `line`, sorted; the caller frees each and the array. */
char **ff_command_complete(ff_context *c, const char *line, int *n);
/* A table of the session as commands, SQL and help name it. */
typedef struct ff_view {
    const char *name, *summary;
    const char *shown;   /* columns in text, blank between; JSON and CSV have all */
    const char *example; /* a command line */
} ff_view;
const ff_view *ff_view_at(int i); /* from 0 until NULL */
const ff_column *ff_view_columns(const ff_view *v, int *n);
/* The file of lines typed, shared by the REPL and the explorer; NULL: no place. The caller frees. */
char *ff_history_path(void);
/* Usage of the program, of a verb of the shell. */
void ff_help_program(ff_buf *out);
void ff_help_verb(const ff_command *c, ff_buf *out);

/* A key of the explorer, as "q", "Enter", "C-r", "F1", "Down", and the command line bound to it. */
typedef struct ff_binding {
    const char *key, *line;
    const char *help; /* a few words: "undo the last step" */
} ff_binding;
const ff_binding *ff_binding_at(int i);          /* from 0 until NULL, in the order of help; the user's too */
const char *ff_command_for_key(const char *key); /* the line bound to a key, or NULL */
/* `bind` and `color` of a configuration file: the words behind them. */
int ff_bind_key(int n, char **words) FF_MUST_USE;
int ff_set_color(int n, char **words) FF_MUST_USE;
/* Functions of rows that are about the table itself. */
int ff_prompt_bind(ff_context *c, int argc, char **argv);
int ff_prompt_color(ff_context *c, int argc, char **argv);
int ff_prompt_help(ff_context *c, int argc, char **argv);
int ff_prompt_show(ff_context *c, int argc, char **argv);
int ff_verb_help(ff_context *c, int argc, char **argv);
/* Colours that the user chose by `color ELEMENT COLOR`. Of one thread. */
enum { FF_COLOR_ELEMENTS = 24 };
enum { FF_COLOR_BOLD = 1, FF_COLOR_UNDERLINE = 2, FF_COLOR_REVERSE = 4 };
typedef struct ff_color_element {
    const char *name, *meaning;
} ff_color_element;
typedef struct ff_color {
    bool set;   /* else the theme's */
    int number; /* of 256; -1: the terminal's own */
    unsigned attributes;
} ff_color;
const ff_color_element *ff_color_element_at(int i); /* from 0 until NULL, in the order of the explorer's inks */
ff_color ff_color_of(int element);
int ff_color_changes(void); /* grows with each */
/* Splits a line into words as a shell does: blanks, 'single' and "double" quotes, backslash, # begins
 * a comment. FF_ERR_USAGE: a quote is not closed. The caller frees words[0..n-1] and the array. */
int ff_line_split(const char *line, char ***words, int *n) FF_MUST_USE;
void ff_line_free_words(char **words, int n);
/* The next line of a file of commands, without its end, with those that a backslash at its end goes on in; a
 * comment goes on in none. *number, from 0: the last one read. False: there is none. */
bool ff_line_read(FILE *f, ff_buf *line, int *number);

/* Options of the command line, for the front ends. Texts are borrowed from argv. */
struct ff_options {
    ff_session_options session;
    const char *output, *json, *labels_csv, *report, *session_path, *config;
    const char *input; /* run: an NPY file instead of images */
    const char *max_wrong; /* "N" or "P%" that may be wrong; NULL: none */
    const char *patch; /* repair: the repair as a file for `apply` */
    const char *repro; /* localize, repair: a folder for each fault as a bundle */
    const char *verb;  /* NULL: none was given */
    char **operands;   /* words that are neither verb nor option; into argv */
    int n_operands;
    bool no_config;
    bool force, quiet, verbose, timing, pre_into_graph, equivalences, help, version;
    int color; /* -1 auto, 0 never, 1 always */
    ff_format format;
    bool no_causal;    /* --causal no */
    ff_lesson *lesson; /* of `teach`, for the explorer; NULL: none */
    ff_arena *arena;   /* texts that a configuration file gave */
    char **words;      /* private: where operands were allocated */
};

/* One row of the option table: --help, the man page and completion come from it. */
typedef struct ff_option {
    const char *name;     /* without the dashes */
    char letter;          /* 'o' for -o; 0: none */
    const char *argument; /* "FILE", or NULL: a switch */
    const char *summary;  /* one line */
    const char *verbs;    /* verbs that take it, blank between; NULL: all */
    int kind;             /* private to the command layer and the program */
    size_t offset;
    const char *initial; /* the default in words where it is not that of the type, or NULL */
} ff_option;
const ff_option *ff_option_at(int i); /* from 0 until NULL */
bool ff_option_fits(const ff_option *row, const char *verb);
/* Settings may stand in a configuration file: `set NAME VALUE`. */
bool ff_option_is_setting(const ff_option *row);
/* The words that its value is one of (or begins with), blank between, for the caller to free; NULL: any. */
char *ff_option_choices(const ff_option *row);
bool ff_option_is_file(const ff_option *row);
const char *ff_option_type(const ff_option *row);    /* "number", "size", "yes|no", ... */
const char *ff_option_default(const ff_option *row); /* in words */

#endif
