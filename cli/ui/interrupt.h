/*
 * interrupt.h - Ctrl-C in the middle of writing a file: the signal waits
 * until the temporary file is gone, and then ends the program as always.
 *
 *	interrupt_hold();
 *	while (...)
 *		if (interrupt_waits()) ... stop and clean up ...
 *	interrupt_release();
 *
 * Holding goes for threads that are started afterwards, too. A signal that the
 * program was started to ignore, as by nohup, is neither held nor waits.
 */
#ifndef QUIRE_CLI_UI_INTERRUPT_H
#define QUIRE_CLI_UI_INTERRUPT_H

#include <stdbool.h>

void interrupt_hold(void);
bool interrupt_waits(void);
/* Does not return if a signal was held back. */
void interrupt_release(void);

#endif
