/*
 * signals.h - signals that wait while a file is written, and one that explains
 * a file that cannot be read.
 *
 * Ctrl-C in the middle of writing a file waits until the temporary file is
 * gone, and then ends the program as always:
 *
 *	signals_hold();
 *	while (...)
 *		if (signals_pending()) ... stop and clean up ...
 *	signals_release();
 *
 * Threads that are started after signals_hold hold them too. A signal that the
 * program was started to ignore, for example by nohup, stays ignored.
 */
#ifndef QUIRE_CLI_UI_SIGNALS_H
#define QUIRE_CLI_UI_SIGNALS_H

#include <stdbool.h>

void signals_hold(void);
/* Whether a signal is held back; false where none is held. */
bool signals_pending(void);
/* Does not return if a signal was held back. */
void signals_release(void);

/* A mapped file that shrinks, or a failing disk, ends its reader with SIGBUS.
 * From this call on the program then prints the file and the offset on stderr,
 * where the system knows them, and exits with EXIT_TROUBLE. */
void signals_explain_bus_error(void);

#endif
