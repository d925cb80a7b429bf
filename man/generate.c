/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * generate.c: manual pages and shell completions from the tables of commands, keys and options.
 *
 *     generate man TEMPLATE            lines `@NAME@` of the template become sections
 *     generate bash | zsh | fish       completions
 *     generate list                    a line for everything there is: what the test looks for
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/command.h"
#include "fetafix/compare.h"
#include "fetafix/images.h"

enum { WIDTH = 76 };

/* -------------------------------------------------------------------------------------- mdoc */

static void put_word(const char *word, size_t n)
{
    if (*word == '.' || *word == '\'')
        fputs("\\&", stdout);
    for (; n; word++, n--) {
        if (*word == '\\')
            fputs("\\e", stdout);
        else if (*word == '-' && n > 1 && word[1] == '-')
            fputs("\\-", stdout);
        else
            putchar(*word);
    }
}

/* Filled text. A sentence ends with its line, as mdoc wants. */
static void put_text(const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t n = strcspn(text, " \n");
        if (column && column + 1 + n > WIDTH) {
            putchar('\n');
            column = 0;
        }
        if (n) {
            if (column++)
                putchar(' ');
            put_word(text, n);
            column += n;
            if (strchr(".?!", text[n - 1]) && text[n]) {
                putchar('\n');
                column = 0;
            }
        }
        text += n + (text[n] != '\0');
    }
    if (column)
        putchar('\n');
}

/* A word too long for a line may be broken in front of its brackets and behind its bars. */
static void put_breakable(const char *words)
{
    size_t n = 0;
    for (; *words; words++) {
        bool length = n || strcspn(words, " ") > WIDTH / 2;
        n = *words == ' ' ? 0 : n + length;
        if (n > 1 && *words == '[')
            fputs("\\:", stdout);
        putchar(*words);
        if (n > 1 && *words == '|')
            fputs("\\:", stdout);
    }
}

static void put_arguments(const char *arguments)
{
    printf(" Ar \"");
    put_breakable(arguments);
    printf("\"");
}

static void put_command(const ff_command *c, bool verb)
{
    printf(".It Ic \"%s\"", c->name);
    const char *arguments = verb ? c->arguments : ff_command_prompt_arguments(c);
    if (*arguments)
        put_arguments(arguments);
    putchar('\n');
    put_text(c->summary);
    if (strstr(c->arguments, "[FILTER]")) /* said once, not for each of a dozen */
        puts("(see\n.Sx Choosing rows ) .");
    if (c->help && !strstr(c->arguments, "[FILTER]")) {
        puts(".br");
        put_text(c->help);
    }
    if (c->also && !verb) {
        puts(".br\nAlso:");
        for (const char *s = c->also; *s; s += strspn(s, " ")) {
            size_t n = strcspn(s, " ");
            printf(".Ic \"\\&%.*s\"\n", (int)n, s);
            s += n;
        }
    }
}

static void put_commands(int where, bool verbs)
{
    const ff_command *c;
    puts(".Bl -tag -width Ds");
    for (int i = 0; (c = ff_command_at(i)); i++) {
        if (verbs ? c->shell != NULL : (c->where & where) != 0)
            put_command(c, verbs);
    }
    puts(".El");
}

static void put_options(void)
{
    const ff_option *o;
    puts(".Bl -tag -width Ds");
    for (int i = 0; (o = ff_option_at(i)); i++) {
        printf(".It ");
        if (o->letter)
            printf("Fl %c , ", o->letter);
        printf("Fl \\-%s", o->name);
        if (o->argument)
            put_arguments(o->argument);
        putchar('\n');
        put_text(o->summary);
        if (o->initial) {
            char *line = ff_asprintf("(default: %s)", o->initial);
            put_text(line);
            free(line);
        }
        if (o->verbs) {
            char *line = ff_asprintf("For: %s.", o->verbs);
            puts(".br");
            put_text(line);
            free(line);
        }
    }
    puts(".El");
}

static void put_keys(void)
{
    const ff_binding *b;
    puts(".Bl -tag -width Escape -compact");
    for (int i = 0; (b = ff_binding_at(i)); i++) {
        printf(".It Ic \"\\&%s\"\n", b->key);
        put_text(b->help);
    }
    puts(".El");
}

static void put_settings(void)
{
    const ff_option *o;
    puts(".Bl -tag -width Ds");
    for (int i = 0; (o = ff_option_at(i)); i++) {
        if (!ff_option_is_setting(o))
            continue;
        printf(".It Ic \"%s\"", o->name);
        put_arguments(ff_option_type(o));
        putchar('\n');
        put_text(o->summary);
        char *line = ff_asprintf("(default: %s)", ff_option_default(o));
        put_text(line);
        free(line);
    }
    puts(".El");
}

static void put_views(void)
{
    static const char *const types[] = {"number", "real", "text", "yes|no"};
    const ff_view *v;
    puts(".Bl -tag -width Ds");
    for (int i = 0; (v = ff_view_at(i)); i++) {
        int n;
        const ff_column *columns = ff_view_columns(v, &n);
        printf(".It Ic \"%s\"\n", v->name);
        put_text(v->summary);
        puts(".Bl -column \"source_summary\" \"number\" \"meaning\" -compact");
        for (int k = 0; k < n; k++) {
            printf(".It \"%s\" Ta \"%s\" Ta ", columns[k].name, types[columns[k].type]);
            put_word(columns[k].help, strlen(columns[k].help));
            putchar('\n');
        }
        puts(".El\n.Pp\nAs:");
        put_text(v->example);
    }
    puts(".El");
}

static void put_colors(void)
{
    const ff_color_element *e;
    puts(".Bl -tag -width strong -compact");
    for (int i = 0; (e = ff_color_element_at(i)); i++) {
        printf(".It Ic \"%s\"\n", e->name);
        put_text(e->meaning);
    }
    puts(".El");
}

static void put_comparators(void)
{
    const char *name, *usage, *summary;
    puts(".Bl -tag -width Ds");
    for (int i = 0; (name = ff_comparator_at(i, &usage, &summary)); i++) {
        printf(".It Cm \"");
        put_breakable(usage);
        puts("\"");
        put_text(summary);
    }
    puts(".El");
}

static int write_man(const char *path)
{
    char *text;
    size_t size;
    int code = ff_read_file(path, 1 << 20, &text, &size);
    if (code)
        return code;
    for (char *line = text, *next; line && *line && !code; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (*line != '@')
            puts(line);
        else if (strcmp(line, "@VERBS@") == 0)
            put_commands(FF_AT_SHELL, true);
        else if (strcmp(line, "@COMMANDS@") == 0)
            put_commands(FF_AT_PROMPT, false);
        else if (strcmp(line, "@VIEW_COMMANDS@") == 0)
            put_commands(FF_AT_EXPLORER, false);
        else if (strcmp(line, "@OPTIONS@") == 0)
            put_options();
        else if (strcmp(line, "@COMPARATORS@") == 0)
            put_comparators();
        else if (strcmp(line, "@KEYS@") == 0)
            put_keys();
        else if (strcmp(line, "@SETTINGS@") == 0)
            put_settings();
        else if (strcmp(line, "@VIEWS@") == 0)
            put_views();
        else if (strcmp(line, "@COLORS@") == 0)
            put_colors();
        else
            code = ff_fail(FF_ERR_USAGE, "%s: there is no section %s", path, line);
    }
    free(text);
    return code;
}

/* ------------------------------------------------------------------------------- completions */

/* What the words behind a verb are where they are no files: as ff_option_choices. */
static char *operands_of(const ff_command *verb)
{
    ff_buf b = {0};
    if (strncmp(verb->arguments, "[TYPE", 5) == 0)
        ff_buf_puts(&b, "PP ID TSS WB LH CG");
    else if (strcmp(verb->arguments, "[TOPIC]") == 0) {
        ff_buf_puts(&b, "views");
        for (int i = 0; ff_command_at(i); i++)
            ff_buf_printf(&b, " %s", ff_command_at(i)->name);
    }
    return b.len ? ff_buf_steal(&b) : NULL;
}

/* The lessons that this machine has: asked when a name is completed. */
static bool takes_lesson(const ff_command *verb)
{
    return strcmp(verb->arguments, "[LESSON]") == 0;
}

static void put_verb_names(void)
{
    const ff_command *c;
    for (int i = 0, n = 0; (c = ff_command_at(i)); i++) {
        if (c->shell)
            printf("%s%s", n++ ? " " : "", c->name);
    }
}

/* The options of a verb as words, the short ones too. */
static void put_option_names(const char *verb)
{
    const ff_option *o;
    for (int i = 0, n = 0; (o = ff_option_at(i)); i++) {
        if (!ff_option_fits(o, verb))
            continue;
        if (o->letter)
            printf("%s-%c", n++ ? " " : "", o->letter);
        printf("%s--%s", n++ ? " " : "", o->name);
    }
}

static void write_bash(void)
{
    const ff_command *c;
    const ff_option *o;
    puts("# bash completion for fetafix\n"
         "_fetafix()\n{\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= word options\n"
         "    COMPREPLY=()\n"
         "    # --option=value comes in three words\n"
         "    if [[ $cur == = ]]; then\n        cur=\n"
         "    elif [[ $prev == = ]]; then\n        prev=${COMP_WORDS[COMP_CWORD-2]}\n    fi\n"
         "    case $prev in");
    for (int i = 0; (o = ff_option_at(i)); i++) {
        if (!o->argument)
            continue;
        char *choices = ff_option_choices(o);
        printf("        ");
        if (o->letter)
            printf("-%c|", o->letter);
        printf("--%s) ", o->name);
        if (choices)
            printf("mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\"); ", choices);
        else if (ff_option_is_file(o))
            printf("mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); ");
        puts("return ;;");
        free(choices);
    }
    puts("    esac\n    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n        case $word in");
    printf("            ");
    for (int i = 0, n = 0; (c = ff_command_at(i)); i++) {
        if (c->shell)
            printf("%s%s", n++ ? "|" : "", c->name);
    }
    puts(") verb=$word; break ;;\n        esac\n    done\n"
         "    if [[ $cur == -* ]]; then\n        case $verb in");
    for (int i = 0; (c = ff_command_at(i)); i++) {
        if (!c->shell)
            continue;
        printf("            %s) options='", c->name);
        put_option_names(c->name);
        puts("' ;;");
    }
    printf("            *) options='");
    put_option_names("explore");
    puts(
        "' ;;\n        esac\n        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n        return\n    fi\n"
        "    case $verb in");
    for (int i = 0; (c = ff_command_at(i)); i++) {
        char *words = c->shell ? operands_of(c) : NULL;
        if (words)
            printf("        %s) mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\") ;;\n", c->name, words);
        if (c->shell && takes_lesson(c))
            printf(
                "        %s) mapfile -t COMPREPLY < <(compgen -W \"$(\"${COMP_WORDS[0]}\" %s 2>/dev/null | sed 's/ .*//')\" -- \"$cur\") ;;\n",
                c->name, c->name);
        free(words);
    }
    printf("        '') mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"; compgen -W '");
    put_verb_names();
    puts("' -- \"$cur\") ;;\n        *) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n    esac\n}\n"
         "complete -o filenames -F _fetafix fetafix");
}

/* Text inside of single quotes, [] and : escaped for _arguments. */
static void put_zsh(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:\\", *text))
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void write_zsh(void)
{
    const ff_command *c;
    const ff_option *o;
    puts("#compdef fetafix\n_fetafix()\n{\n    local -a verbs options\n    local verb=explore word\n"
         "    verbs=(");
    for (int i = 0; (c = ff_command_at(i)); i++) {
        if (!c->shell)
            continue;
        printf("        '%s:", c->name);
        put_zsh(c->summary);
        puts("'");
    }
    puts("    )\n    for word in ${words[2,CURRENT-1]}; do");
    puts("        (( ${verbs[(I)$word:*]} )) && verb=$word && break\n    done\n    options=()");
    for (int i = 0; (o = ff_option_at(i)); i++) {
        if (o->verbs)
            printf("    [[ ' %s ' == *\" $verb \"* ]] && ", o->verbs);
        else
            printf("    ");
        printf("options+=(");
        for (int form = o->letter ? 0 : 1; form < 2; form++) {
            if (form == 0)
                printf("'-%c[", o->letter);
            else
                printf("'--%s%s[", o->name, o->argument ? "=" : "");
            put_zsh(o->summary);
            putchar(']');
            if (o->argument) {
                char *choices = ff_option_choices(o);
                putchar(':');
                put_zsh(o->argument);
                if (choices)
                    printf(":(%s)", choices);
                else
                    printf(ff_option_is_file(o) ? ":_files" : ":");
                free(choices);
            }
            printf("'%s", form == 0 ? " " : "");
        }
        puts(")");
    }
    puts("    _arguments -s $options '*:word:->word' && return\n"
         "    [[ $state == word ]] || return\n"
         "    (( ${words[(I)$verb]} )) || _describe command verbs\n"
         "    case $verb in");
    for (int i = 0; (c = ff_command_at(i)); i++) {
        char *words = c->shell ? operands_of(c) : NULL;
        if (words)
            printf("        %s) compadd %s ;;\n", c->name, words);
        if (c->shell && takes_lesson(c))
            printf("        %s) compadd ${${(f)\"$(fetafix %s 2>/dev/null)\"}%%%% *} ;;\n", c->name, c->name);
        free(words);
    }
    puts("        *) _files ;;\n    esac\n}\n_fetafix \"$@\"");
}

static void put_fish(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
}

static void write_fish(void)
{
    const ff_command *c;
    const ff_option *o;
    puts("# fish completion for fetafix");
    printf("set -l verbs ");
    put_verb_names();
    puts("");
    for (int i = 0; (c = ff_command_at(i)); i++) {
        if (!c->shell)
            continue;
        printf("complete -c fetafix -n \"not __fish_seen_subcommand_from $verbs\" -a %s -d '", c->name);
        put_fish(c->summary);
        puts("'");
    }
    for (int i = 0; (c = ff_command_at(i)); i++) {
        char *words = c->shell ? operands_of(c) : NULL;
        if (words)
            printf("complete -c fetafix -f -n \"__fish_seen_subcommand_from %s\" -a '%s'\n", c->name, words);
        if (c->shell && takes_lesson(c))
            printf("complete -c fetafix -f -n \"__fish_seen_subcommand_from %s\" -a "
                   "'(fetafix %s 2>/dev/null | string replace -r \" .*\" \"\")'\n",
                   c->name, c->name);
        free(words);
    }
    for (int i = 0; (o = ff_option_at(i)); i++) {
        printf("complete -c fetafix");
        if (o->verbs)
            printf(" -n \"__fish_seen_subcommand_from %s%s\"", o->verbs,
                   ff_option_fits(o, "explore") ? "; or not __fish_seen_subcommand_from $verbs" : "");
        if (o->letter)
            printf(" -s %c", o->letter);
        printf(" -l %s", o->name);
        if (o->argument) {
            char *choices = ff_option_choices(o);
            if (choices)
                printf(" -x -a '%s'", choices);
            else
                printf(ff_option_is_file(o) ? " -r -F" : " -x");
            free(choices);
        }
        printf(" -d '");
        put_fish(o->summary);
        puts("'");
    }
}

/* -------------------------------------------------------------------------------------- list */

static void write_list(void)
{
    const ff_command *c;
    const ff_option *o;
    const ff_binding *b;
    for (int i = 0; (c = ff_command_at(i)); i++) {
        if (c->shell)
            printf("verb %s\n", c->name);
        if (c->where & FF_AT_PROMPT)
            printf("prompt %s%s%s\n", c->name, c->also ? " " : "", c->also ? c->also : "");
        if (c->where & FF_AT_EXPLORER)
            printf("view %s\n", c->name);
    }
    for (int i = 0; (o = ff_option_at(i)); i++) {
        printf("option %s %s\n", o->name, o->verbs ? o->verbs : "*");
        if (ff_option_is_setting(o))
            printf("setting %s\n", o->name);
    }
    for (int i = 0; (b = ff_binding_at(i)); i++)
        printf("key %s\n", b->key);
    const ff_view *v;
    for (int i = 0; (v = ff_view_at(i)); i++) {
        int n;
        const ff_column *columns = ff_view_columns(v, &n);
        printf("table %s", v->name);
        for (int k = 0; k < n; k++)
            printf(" %s", columns[k].name);
        putchar('\n');
    }
    const ff_color_element *e;
    for (int i = 0; (e = ff_color_element_at(i)); i++)
        printf("element %s\n", e->name);
}

int main(int argc, char **argv)
{
    int code = FF_OK;
    const char *what = argc > 1 ? argv[1] : "";
    if (argc == 3 && strcmp(what, "man") == 0)
        code = write_man(argv[2]);
    else if (argc == 2 && strcmp(what, "bash") == 0)
        write_bash();
    else if (argc == 2 && strcmp(what, "zsh") == 0)
        write_zsh();
    else if (argc == 2 && strcmp(what, "fish") == 0)
        write_fish();
    else if (argc == 2 && strcmp(what, "list") == 0)
        write_list();
    else
        code = ff_fail(FF_ERR_USAGE, "usage: generate man TEMPLATE | bash | zsh | fish | list");
    if (code)
        fprintf(stderr, "generate: %s\n", ff_error());
    return code || fflush(stdout) ? 1 : 0;
}
