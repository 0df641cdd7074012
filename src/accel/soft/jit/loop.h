/*
 * loop.h - hot loops (loop.c), for the pass and for templates of loads and stores.
 */
#ifndef SOFT_JIT_LOOP_H
#define SOFT_JIT_LOOP_H

#include "accel/soft/jit/mem.h"

/* At a loop's head: counts its iterations, if that is wanted. */
void loop_count(struct tr *t, const struct ti *head);
/* Where hot loops leave to is a join: nothing but what a way from elsewhere brings can be counted on there. */
void loops_exits(struct tr *t);
/* Behind the region: its hot loops once more. */
void loops_translate(struct tr *t);
/* X registers that the instruction changes. */
uint64_t loop_written_by(const struct ti *i);
/* stream.c: how the loop's registers move, and which streams it has. */
void loop_motions(const struct tr *t, struct loop *l);
void loop_streams(const struct tr *t, struct loop *l);
/* The stream of an instruction, and its access; NULL: it is none, or looks for itself. */
struct stream *loop_stream_of(const struct tr *t, struct loop *l, const struct ti *i,
                              struct access *x);
/* RCX becomes no more than the iterations for which all streams stay in their windows; if one has left already, to slow. Then: fetches
 * their addends. Uses RAX, RDX. */
void loop_look(struct tr *t, const struct loop *l, const uint8_t *slow);
void loop_addends(struct tr *t, const struct loop *l);
/* The stream to which the access that is translated belongs; NULL: it looks for itself. */
const struct stream *loop_stream(const struct tr *t);
/* Is that of struct tr's insn in it? */
bool loop_has(const struct loop *l, unsigned n);
/* Is the slot of the page in the hot loop that is translated? */
bool loop_inside(const struct tr *t, unsigned slot);
/* Does the cold code of a hot loop that comes before, or instead of, that of the region. True: it is all. */
bool loop_cold(struct tr *t, const struct cold *c);

#endif
