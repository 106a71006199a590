/*
 * signals.h - what a mapped file that shrank, or a failing disk, does to a
 * reader (SIGBUS), told in a line instead of a silent death.
 */
#ifndef QUIRE_CLI_UI_SIGNALS_H
#define QUIRE_CLI_UI_SIGNALS_H

/* From now on SIGBUS names the file and the offset on stderr, where the system
 * can tell them, and ends the program with EXIT_TROUBLE. */
void bus_error_explain(void);

#endif
