/*
 * plan.c - from a request to a plan: which loader, where each part goes, and the copy into the
 * machine.
 *
 * All ranges are checked in maker_add, so no loader can place anything outside RAM and flash or
 * over another part.
 */
#include "plan.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/fmt.h"
#include "devicetree.h"
#include "vm.h"

#define RAM_SIZE_MIN    KIB(64)
#define DTB_ALIGN       8
#define INITRD_ALIGN    KIB(64) /* the largest page, so that no page is shared with the kernel */
#define KERNEL_ARGS_MAX 2047    /* COMMAND_LINE_SIZE of arch/arm64, without the final 0 */

/* ---- Ranges ---------------------------------------------------------------------------------- */

static bool in_ram(const struct maker *m, uint64_t ipa, uint64_t len)
{
    return range_inside(ipa, len, m->ram_base, m->ram_end - m->ram_base);
}

static bool in_flash(const struct maker *m, uint64_t ipa, uint64_t len)
{
    return range_inside(ipa, len, m->request->board->flash_base, m->request->board->flash_size);
}

uint64_t maker_stack_top(const struct maker *m)
{
    return m->ram_end - STACK_GAP;
}

uint64_t maker_below_stack(const struct maker *m)
{
    return maker_stack_top(m) - (m->ram_end - m->ram_base > 4 * STACK_ROOM ? STACK_ROOM : 0);
}

uint64_t maker_used_end(const struct maker *m)
{
    uint64_t end = m->ram_base;

    for (unsigned i = 0; i < m->plan->segment_count; i++) {
        const struct boot_segment *s = &m->plan->segment[i];
        if (in_ram(m, s->ipa, s->reserve) && s->ipa + s->reserve > end) {
            end = s->ipa + s->reserve;
        }
    }
    return end;
}

/* "700 MiB", "48 KiB", "17 bytes". */
static void size_text(char *buf, size_t size, uint64_t bytes)
{
    if (bytes >= MIB(1)) {
        fmt_format(buf, size, "%llu MiB", (unsigned long long)(bytes >> 20));
    } else if (bytes >= KIB(1)) {
        fmt_format(buf, size, "%llu KiB", (unsigned long long)(bytes >> 10));
    } else {
        fmt_format(buf, size, "%llu bytes", (unsigned long long)bytes);
    }
}

/* The next power of two above all that is wanted, as --memory takes it. */
static void memory_hint(char *buf, size_t size, uint64_t wanted)
{
    uint64_t hint = MIB(64);

    while (hint < wanted && hint < BIT(62)) {
        hint <<= 1;
    }
    bool gib = hint >= GIB(1);
    fmt_format(buf, size, "%llu%c", (unsigned long long)(hint >> (gib ? 30 : 20)), gib ? 'G' : 'M');
}

enum status maker_no_room(struct maker *m, const struct boot_bytes *what, uint64_t bytes,
                          uint64_t from)
{
    uint64_t ram = m->ram_end - m->ram_base;
    uint64_t below = from > m->ram_base ? from - m->ram_base : 0;
    uint64_t wanted = bytes > BIT(60) || below > BIT(60) ? BIT(62) : below + bytes + MIB(16);
    char need[32], have[32], hint[16];

    size_text(need, sizeof(need), bytes);
    size_text(have, sizeof(have), ram);
    memory_hint(hint, sizeof(hint), wanted > ram ? wanted : ram + 1);
    return err_set(m->err, ST_E_RANGE, MSG_BOOT_NO_ROOM, what->name, need, have, hint);
}

static enum status outside(struct maker *m, const struct boot_segment *s)
{
    return err_set(m->err, ST_E_RANGE, MSG_BOOT_OUTSIDE, s->file != NULL ? s->file : s->name,
                   (unsigned long long)s->reserve, (unsigned long long)s->ipa,
                   (unsigned long long)m->ram_base, (unsigned long long)m->ram_end);
}

static const struct boot_segment *find_overlap(const struct maker *m, uint64_t ipa, uint64_t len)
{
    for (unsigned i = 0; i < m->plan->segment_count; i++) {
        const struct boot_segment *s = &m->plan->segment[i];
        if (range_overlap(ipa, len, s->ipa, s->reserve)) {
            return s;
        }
    }
    return NULL;
}

enum status maker_add(struct maker *m, const struct boot_segment *segment)
{
    struct boot_segment s = *segment;

    if (s.reserve < s.len || s.reserve - s.len < s.zero) {
        s.reserve = s.len + s.zero;
    }
    if (s.zero > UINT64_MAX - s.len ||
        (!in_ram(m, s.ipa, s.reserve) && !in_flash(m, s.ipa, s.reserve))) {
        return outside(m, &s);
    }
    const struct boot_segment *other = find_overlap(m, s.ipa, s.reserve);
    if (other != NULL) {
        const uint64_t end = s.ipa + s.reserve;
        const uint64_t other_end = other->ipa + other->reserve;
        return err_set(m->err, ST_E_RANGE, MSG_BOOT_OVERLAP, s.name, (unsigned long long)s.ipa,
                       (unsigned long long)end, other->name, (unsigned long long)other->ipa,
                       (unsigned long long)other_end);
    }
    if (m->plan->segment_count == BOOT_SEGMENTS_MAX) {
        return err_set(m->err, ST_E_FULL, MSG_BOOT_TOO_MANY, BOOT_SEGMENTS_MAX);
    }
    m->plan->segment[m->plan->segment_count++] = s;
    return ST_OK;
}

/* Each step leaves one more segment behind, so the searches end after segment_count steps. */
static bool place_up(const struct maker *m, const struct window *w, uint64_t size, uint64_t align,
                     uint64_t *ipa)
{
    const struct boot_segment *s;
    uint64_t at = align_up(w->lo, align);

    while (at >= w->lo && range_inside(at, size, w->lo, w->hi - w->lo)) {
        s = find_overlap(m, at, size);
        if (s == NULL) {
            *ipa = at;
            return true;
        }
        at = align_up(s->ipa + s->reserve, align);
    }
    return false;
}

static bool place_down(const struct maker *m, const struct window *w, uint64_t size, uint64_t align,
                       uint64_t *ipa)
{
    const struct boot_segment *s;
    uint64_t end = w->hi;

    while (end >= w->lo && end - w->lo >= size) {
        uint64_t at = align_down(end - size, align);
        if (at < w->lo) {
            break;
        }
        s = find_overlap(m, at, size);
        if (s == NULL) {
            *ipa = at;
            return true;
        }
        end = s->ipa;
    }
    return false;
}

enum status maker_place(struct maker *m, const struct window *window, uint64_t size, uint64_t align,
                        const struct boot_bytes *what, uint64_t *ipa)
{
    bool found =
        window->hi > window->lo && (window->top_down ? place_down(m, window, size, align, ipa)
                                                     : place_up(m, window, size, align, ipa));
    char need[32], room[32];

    if (found) {
        return ST_OK;
    }
    if (!window->by_protocol) {
        return maker_no_room(m, what, size, window->top_down ? maker_used_end(m) : window->lo);
    }
    size_text(need, sizeof(need), size);
    size_text(room, sizeof(room), window->hi > window->lo ? window->hi - window->lo : 0);
    return err_set(m->err, ST_E_RANGE, MSG_BOOT_NO_WINDOW, what->name, need, room,
                   (unsigned long long)window->lo);
}

/* ---- Parts ----------------------------------------------------------------------------------- */

static enum status add_loads(struct maker *m)
{
    if (m->request->load_count > BOOT_LOADS_MAX) {
        return err_set(m->err, ST_E_FULL, MSG_BOOT_TOO_MANY, BOOT_LOADS_MAX);
    }
    for (unsigned i = 0; i < m->request->load_count; i++) {
        const struct boot_load *load = &m->request->loads[i];
        const char *name = load->data.name != NULL ? load->data.name : "load";
        if (load->data.len == 0) {
            return err_set(m->err, ST_E_FORMAT, MSG_BOOT_EMPTY, name);
        }
        struct boot_segment s = { .ipa = load->ipa,
                                  .bytes = load->data.bytes,
                                  .len = load->data.len,
                                  .name = "load",
                                  .file = name };
        enum status status = maker_add(m, &s);
        if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

static enum status load_kernel(struct maker *m)
{
    struct boot_bytes data = m->request->kernel;
    enum status status = unpack(m, &data);

    if (status != ST_OK) {
        return status;
    }
    if (data.len == 0) {
        return err_set(m->err, ST_E_FORMAT, MSG_BOOT_EMPTY, data.name);
    }
    if (image_is(&data)) {
        return image_load(m, &data);
    }
    if (elf_is(&data)) {
        return elf_load(m, &data);
    }
    status = refuse_foreign(m, &data);
    return status != ST_OK ? status : raw_load(m, &data);
}

/* Only what --load placed; where to start is the user's to say. */
static enum status loads_only(struct maker *m)
{
    if (m->request->load_count == 0) {
        return err_set(m->err, ST_E_INVAL, MSG_BOOT_NOTHING);
    }
    if (!m->request->has_entry) {
        return err_set(m->err, ST_E_INVAL, MSG_BOOT_ENTRY_MISSING);
    }
    m->plan->kind = "loads";
    m->plan->start.sp = maker_stack_top(m);
    m->layout = (struct layout){
        .dtb_at = m->ram_base,
        .dtb = { m->ram_base, maker_below_stack(m), true, false },
        .initrd = { maker_used_end(m), maker_below_stack(m), false, false },
    };
    return ST_OK;
}

static enum status load_guest(struct maker *m)
{
    const struct boot_request *request = m->request;

    if (request->firmware.bytes != NULL &&
        (request->kernel.bytes != NULL || request->initrd.bytes != NULL)) {
        return err_set(m->err, ST_E_INVAL, MSG_BOOT_FIRMWARE_ALONE);
    }
    if (request->firmware.bytes != NULL) {
        return firmware_load(m, &request->firmware);
    }
    return request->kernel.bytes != NULL ? load_kernel(m) : loads_only(m);
}

static enum status add_initrd(struct maker *m)
{
    const struct boot_bytes *initrd = &m->request->initrd;
    struct boot_segment s = {
        .bytes = initrd->bytes, .len = initrd->len, .name = "initrd", .file = initrd->name
    };

    if (initrd->bytes == NULL) {
        return ST_OK;
    }
    if (initrd->len == 0) {
        return err_set(m->err, ST_E_FORMAT, MSG_BOOT_EMPTY, initrd->name);
    }
    enum status status =
        maker_place(m, &m->layout.initrd, initrd->len, INITRD_ALIGN, initrd, &s.ipa);
    if (status == ST_OK) {
        m->plan->initrd_ipa = s.ipa;
        status = maker_add(m, &s);
    }
    return status;
}

static enum status make_dtb(struct maker *m)
{
    struct boot_plan *plan = m->plan;
    const struct devicetree_facts facts = { .initrd_ipa = plan->initrd_ipa,
                                            .initrd_len = m->request->initrd.len };
    size_t len;

    plan->dtb_buf_size = devicetree_bound(m->request);
    plan->dtb_buf = plan->alloc.alloc(plan->alloc.opaque, plan->dtb_buf_size, 8);
    if (plan->dtb_buf == NULL) {
        return err_set(m->err, ST_E_NOMEM, MSG_BOOT_NOMEM, (unsigned long long)plan->dtb_buf_size);
    }
    enum status status =
        devicetree_write(m->request, &facts, plan->dtb_buf, plan->dtb_buf_size, &len, m->err);
    if (status == ST_OK) {
        plan->dtb =
            (struct boot_bytes){ .bytes = plan->dtb_buf, .len = len, .name = m->request->dtb.name };
    }
    return status;
}

static enum status add_dtb(struct maker *m)
{
    struct boot_segment s = { .ipa = m->layout.dtb_at, .name = "dtb" };
    enum status status = make_dtb(m);

    if (status != ST_OK) {
        return status;
    }
    s.bytes = m->plan->dtb.bytes;
    s.len = m->plan->dtb.len;
    s.file = m->request->dtb.bytes != NULL ? m->request->dtb.name : NULL;
    bool taken = !in_ram(m, s.ipa, s.len) || find_overlap(m, s.ipa, s.len) != NULL;
    if (taken && m->layout.dtb.hi != 0) {
        status = maker_place(m, &m->layout.dtb, s.len, DTB_ALIGN, &m->plan->dtb, &s.ipa);
    }
    if (status == ST_OK) {
        m->plan->start.x[0] = s.ipa;
        status = maker_add(m, &s);
    }
    return status;
}

static enum status check_entry(struct maker *m)
{
    uint64_t *pc = &m->plan->start.pc;

    if (m->request->has_entry) {
        *pc = m->request->entry;
    }
    if (!is_aligned(*pc, 4)) {
        return err_set(m->err, ST_E_INVAL, MSG_BOOT_ENTRY_ALIGN, (unsigned long long)*pc);
    }
    if (!in_ram(m, *pc, 4) && !in_flash(m, *pc, 4)) {
        return err_set(m->err, ST_E_RANGE, MSG_BOOT_ENTRY_OUTSIDE, (unsigned long long)*pc,
                       (unsigned long long)m->ram_base, (unsigned long long)m->ram_end);
    }
    return ST_OK;
}

static enum status check_command_line(struct maker *m)
{
    const char *args = m->request->command_line;
    size_t len = args != NULL ? str_len(args) : 0;

    if (len > KERNEL_ARGS_MAX) {
        return err_set(m->err, ST_E_RANGE, MSG_BOOT_COMMAND_LINE, (unsigned long long)len,
                       KERNEL_ARGS_MAX);
    }
    return ST_OK;
}

static enum status make_all(struct maker *m)
{
    static enum status (*const steps[])(struct maker *) = { check_command_line, add_loads,
                                                            load_guest,         check_entry,
                                                            add_initrd,         add_dtb };

    for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
        enum status status = steps[i](m);
        if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

/* ---- The three entry points ------------------------------------------------------------------ */

/* Every part has a name from here on. */
static struct boot_request named(const struct boot_request *request)
{
    struct boot_request copy = *request;
    struct {
        struct boot_bytes *part;
        const char *name;
    } parts[] = {
        { &copy.kernel, "kernel" },
        { &copy.initrd, "initrd" },
        { &copy.dtb, "dtb" },
        { &copy.firmware, "firmware" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
        parts[i].part->name = parts[i].part->name != NULL ? parts[i].part->name : parts[i].name;
    }
    return copy;
}

static enum status begin(struct maker *m, const struct boot_request *request,
                         struct boot_plan *plan, struct err *err)
{
    uint64_t base = request->board->ram_base;

    ASSERT(request->cpus >= 1 && request->cpus <= VM_CPUS_MAX);
    *plan = (struct boot_plan){ .alloc = request->alloc,
                                .inflate = request->inflate,
                                .start.el = request->el != 0 ? request->el : 1 };
    *m = (struct maker){ .request = request,
                         .plan = plan,
                         .ram_base = base,
                         .ram_end = base + request->ram_size,
                         .err = err };
    if (request->ram_size < RAM_SIZE_MIN || request->ram_size > BIT(48) || base > BIT(48)) {
        return err_set(err, ST_E_RANGE, MSG_BOOT_RAM_SIZE, (unsigned long long)request->ram_size);
    }
    return ST_OK;
}

enum status boot_plan_make(const struct boot_request *request, struct boot_plan *plan,
                           struct err *err)
{
    const struct boot_request copy = named(request);
    struct maker m;
    enum status status = begin(&m, &copy, plan, err);

    if (status == ST_OK) {
        status = make_all(&m);
    }
    if (status != ST_OK) {
        boot_plan_fini(plan);
    }
    return status;
}

enum status boot_dtb_make(const struct boot_request *request, struct boot_plan *plan,
                          struct err *err)
{
    struct boot_request copy = named(request);
    struct maker m;

    copy.initrd = (struct boot_bytes){ 0 };
    enum status status = begin(&m, &copy, plan, err);
    if (status == ST_OK) {
        status = make_dtb(&m);
    }
    if (status != ST_OK) {
        boot_plan_fini(plan);
    }
    return status;
}

static enum status clear(struct vm *vm, uint64_t ipa, uint64_t len)
{
    static const uint8_t zeros[4096];
    enum status status = ST_OK;

    while (len > 0 && status == ST_OK) {
        uint64_t part = len < sizeof(zeros) ? len : sizeof(zeros);
        status = guest_mem_write(&vm->mem, ipa, zeros, part);
        ipa += part;
        len -= part;
    }
    return status;
}

enum status boot_plan_apply(const struct boot_plan *plan, struct vm *vm, struct err *err)
{
    for (unsigned i = 0; i < plan->segment_count; i++) {
        const struct boot_segment *s = &plan->segment[i];
        enum status status =
            s->len > 0 ? guest_mem_write(&vm->mem, s->ipa, s->bytes, s->len) : ST_OK;

        if (status == ST_OK) {
            status = clear(vm, s->ipa + s->len, s->zero);
        }
        if (status != ST_OK) {
            const uint64_t end = s->ipa + s->len + s->zero;
            return err_set(err, status, MSG_BOOT_APPLY, s->name, (unsigned long long)s->ipa,
                           (unsigned long long)end);
        }
        if (vm->config.accel != NULL && vm->config.accel->invalidate_code != NULL) {
            vm->config.accel->invalidate_code(vm, s->ipa, s->len + s->zero);
        }
    }
    return ST_OK;
}

void boot_plan_fini(struct boot_plan *plan)
{
    for (unsigned i = 0; i < plan->unpacked_count; i++) {
        plan->inflate->release(plan->inflate->opaque, &plan->unpacked[i]);
    }
    if (plan->dtb_buf != NULL) {
        plan->alloc.free(plan->alloc.opaque, plan->dtb_buf, plan->dtb_buf_size);
    }
    *plan = (struct boot_plan){ 0 };
}
