# The configuration file: set, bind, color. The command line has the last word.

$ printf 'set format json\nset images photos # a comment\nset verbose\nbind M-r redo\nbind F2 "nodes" op=Conv "a b"\nbind j undo\ncolor bad ff5f00 bold\ncolor good default underline\ncolor dim 240\n' > config; fetafix repl --config config </dev/null
$ printf 'set format text\nbind | grep -E "M-r|F2|^j "\ncolor | grep -E "^(bad|good|dim|warn)"\nbind C-g status\nbind | grep C-g\nbind M-q "save x"\nbind | tail -1\ncolor bad red\ncolor | grep ^bad\n' | fetafix repl --config config
j       undo                 undo
M-r     redo                 redo
F2      nodes op=Conv "a b"  nodes op=Conv "a b"
dim      240                equal, equivalent, secondary
good     default underline  repaired, right
bad      202 bold           different, wrong
warn                        missing, rejected, needs care
C-g     status               status
M-q     save x               save x
bad      red                different, wrong
$ printf 'bind\n' | fetafix repl | head -4
key     command             meaning
a       accept              accept the repair
r       reject              reject the repair
e       evaluate            judge it without taking it
$ printf 'bind M-\nbind Entre undo\nbind x\nbind x nothing\ncolor\ncolor bda red\ncolor bad\ncolor bad rde\ncolor warn "#0000ff"\ncolor | grep ^warn\ncolor bad 12345\ncolor bad 256\ncolor bad red blue\n' | fetafix repl | grep -v theme
fetafix: expected: bind KEY COMMAND
fetafix: bind: 'Entre' is no key; did you mean 'Enter'?
fetafix: expected: bind KEY COMMAND
fetafix: bind: unknown command 'nothing'; see `help`
fetafix: color: there is no element 'bda'; did you mean 'bad'?
fetafix: expected: color ELEMENT COLOR [bold] [underline] [reverse]
fetafix: color: 'rde' is no colour; did you mean 'red'?
fetafix: color: '12345' is no colour: red, bright-blue, default, 0 to 255, ff8800
fetafix: color: '256' is no colour: red, bright-blue, default, 0 to 255, ff8800
fetafix: color: 'blue' is none of bold, underline, reverse
element  color  meaning
text            what is not any of the others
strong          names, numbers that matter
dim             equal, equivalent, secondary
frame           lines around the panes
focus           frame of the pane that has the keys
key             a key one can press
good            repaired, right
bad             different, wrong
warn            missing, rejected, needs care
info            notes of the engine
source          the Source
target          the Target
pp              preprocessing
id              input dimensions
tss             tensor shape and structure
wb              weights and biases
lh              layer hyperparameters
cg              computation graph
heat0           harmless layers
heat1           a little suspicious
heat2           suspicious
heat3           very suspicious
heat4           the most suspicious
lane            lines of the graph
warn     21     missing, rejected, needs care
$ for line in 'set formt json' 'set format xml' 'set output x' 'set' 'undo' 'bind x' 'color bad' "set images 'a"; do echo "$line" > wrong; fetafix repl --config wrong </dev/null; done
fetafix: wrong:1: unknown setting 'formt'; did you mean 'format'?
fetafix: wrong:1: format: 'xml' is none of text|json|csv
fetafix: wrong:1: 'output' is an option of the command line, not a setting
fetafix: wrong:1: expected: set NAME VALUE
fetafix: wrong:1: 'undo' is none of set, bind, color
fetafix: wrong:1: expected: bind KEY COMMAND
fetafix: wrong:1: expected: color ELEMENT COLOR [bold] [underline] [reverse]
fetafix: wrong:1: a quote is not closed
[2]
$ fetafix repl --config nowhere </dev/null
fetafix: 'nowhere': no such file
[3]
$ mkdir -p xdg/fetafix; echo 'set format csv' > xdg/fetafix/config; printf 'set | head -2\n' > s; XDG_CONFIG_HOME=$PWD/xdg fetafix script s; XDG_CONFIG_HOME=$PWD/xdg fetafix script s --no-config; XDG_CONFIG_HOME=$PWD/xdg fetafix script s --format text; XDG_CONFIG_HOME=xdg fetafix script s
name,type,value,default,meaning
images,text,,none,"images: a folder, or a text file with one path a line"
name            type               value  default                     meaning
images          text                      none                        images: a folder, or a text file with one path a line
name            type               value  default                     meaning
images          text                      none                        images: a folder, or a text file with one path a line
name            type               value  default                     meaning
images          text                      none                        images: a folder, or a text file with one path a line
$ printf 'set\n' | fetafix repl
name            type               value  default                     meaning
images          text                      none                        images: a folder, or a text file with one path a line
source-pre      text                      guessed                     the Source's preprocessing: a preset or a spec
target-pre      text                      guessed                     the Target's preprocessing
pre             text                      none                        the same as --source-pre, for one model
labels          text                      none                        class names, one a line
source-output   text                      the first                   the Source's output that is read
target-output   text                      none                        the Target's output that is read
validate        text                      none                        independent images, with classes if known: counted, never used to decide
max-wrong       text                      0                           exit code 0 while no more than N, or P% of the images, are wrong
limit           number                    none                        use the first N images only
seed            number             0      0                           of the samples that the analysis draws
threads         number                    one per core                threads
memory          size                      a quarter of the machine's  memory for kept results, as 2G
time-limit      time                      2h                          end the search after this time, as 90s or 2h
rounds          number                    3                           rounds without a gain before the greedy search ends
strategy        full|paper         full   full                        paper: greedy only, as published
analysis        exact|paper        exact  exact                       paper: sampled layer analysis, as published
causal          yes|no                    for `localize`              compute the causal column
minimal         yes|no             no     no                          keep the essential repairs only
keep-quantized  yes|no             no     no                          the Target is meant to be quantised: its rounding is no fault
pre-into-graph  yes|no             no     no                          write a repaired preprocessing into the graph, so that the old one stays right
comparator      text                      top-1                       when an answer of the Target is wrong, as tolerance:abs=1e-4
core-ops        text                      none                        operators that count as layers, as Conv,Gemm,MatMul
equivalences    yes|no             no     no                          list the differences that cannot change a result
reference       yes|no             no     no                          plain C kernels for everything
timing          yes|no             no     no                          put times into the report
format          text|json|csv      text   text                        how tables are printed
color           auto|never|always  auto   auto                        colours
quiet           yes|no             no     no                          no notes and no progress
verbose         yes|no             no     no                          say more
# Ends of lines as on other systems, a mark before the text, = and lines that go on.

$ printf '\357\273\277set format=csv\r\nset threads = \\\r\n  2\r\n# set x \\\r\ncolour bad rde\r\n' > odd; fetafix repl --config odd < /dev/null
fetafix: odd:5: color: 'rde' is no colour; did you mean 'red'?
[2]
$ printf 'set format=csv\r\nset threads = \\\r\n  2\r\n' > odd; fetafix repl --config odd
> set threads
> set format
name,type,value,default,meaning
threads,number,2,one per core,threads
name,type,value,default,meaning
format,text|json|csv,csv,text,how tables are printed
$ : > empty; fetafix repl --config empty < /dev/null
$ printf 'sett format csv\n' > bad; fetafix repl --config bad < /dev/null
fetafix: bad:1: 'sett' is none of set, bind, color; did you mean 'set'?
[2]
$ fetafix repl --config nothing < /dev/null
fetafix: 'nothing': no such file
[3]
$ fetafix repl --config . < /dev/null
fetafix: '.': is a folder
[3]
