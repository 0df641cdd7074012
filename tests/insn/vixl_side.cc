/*
 * vixl_side.cc - runs one instruction on VIXL's simulator.
 *
 * VIXL (BSD licence) uses the host's addresses, which is why the tester maps code and data where all sides expect them. It
 * models no FPSR, and of FPCR only DN. It ends the program on what it does not know; here that becomes an outcome.
 */
#include <cstdio>
#include <cstring>

#include "aarch64/disasm-aarch64.h"
#include "aarch64/simulator-aarch64.h"

#include "sides.h"

using namespace vixl;
using namespace vixl::aarch64;

namespace {

class QuietSimulator : public Simulator {
  public:
    explicit QuietSimulator(Decoder *decoder) : Simulator(decoder, stderr) {}
    void VisitUnallocated(const Instruction *) override { siglongjmp(insn_escape, INSN_UNDEFINED); }
    void VisitUnimplemented(const Instruction *) override { siglongjmp(insn_escape, INSN_CRASHED); }
};

Decoder *decoder;
QuietSimulator *simulator;

void load(const insn_state *s)
{
    for (unsigned r = 0; r < 31; r++) {
        simulator->WriteRegister(r, s->x[r], Simulator::NoRegLog);
    }
    simulator->WriteRegister(31, s->sp, Simulator::NoRegLog, Reg31IsStackPointer);
    for (unsigned r = 0; r < 32; r++) {
        Simulator::qreg_t q;

        memcpy(&q, s->v[r], sizeof q);
        simulator->WriteQRegister(r, q, Simulator::NoRegLog);
    }
    simulator->ReadNzcv().SetRawValue(s->nzcv);
    simulator->ReadFpcr().SetRawValue(s->fpcr);
    simulator->ClearLocalMonitor();
    simulator->WritePc(reinterpret_cast<const Instruction *>(s->pc), Simulator::NoBranchLog);
}

void save(insn_state *s)
{
    for (unsigned r = 0; r < 31; r++) {
        s->x[r] = simulator->ReadRegister<uint64_t>(r);
    }
    s->sp = simulator->ReadRegister<uint64_t>(31, Reg31IsStackPointer);
    for (unsigned r = 0; r < 32; r++) {
        Simulator::qreg_t q = simulator->ReadQRegister(r);

        memcpy(s->v[r], &q, sizeof q);
    }
    s->nzcv = simulator->ReadNzcv().GetRawValue();
    s->pc = reinterpret_cast<uint64_t>(simulator->ReadPc());
}

} // namespace

void vixl_init(void)
{
    decoder = new Decoder;
    simulator = new QuietSimulator(decoder);
    simulator->SetColouredTrace(false);
    simulator->SilenceExclusiveAccessWarning();
}

void vixl_run(insn_state *s, uint32_t word)
{
    int outcome = sigsetjmp(insn_escape, 0);

    if (outcome == 0) {
        memcpy(reinterpret_cast<void *>(s->pc), &word, sizeof word);
        load(s);
        insn_running = 1;
        simulator->ExecuteInstruction();
        insn_running = 0;
        save(s);
        s->outcome = INSN_RAN;
        return;
    }
    insn_running = 0;
    s->outcome = static_cast<uint32_t>(outcome); // the simulator keeps nothing but registers: it can go on
}

void vixl_disassemble(uint32_t word, uint64_t pc, char *buf, size_t size)
{
    Decoder one_off;
    Disassembler disassembler;

    memcpy(reinterpret_cast<void *>(pc), &word, sizeof word);
    one_off.AppendVisitor(&disassembler);
    one_off.Decode(reinterpret_cast<const Instruction *>(pc));
    snprintf(buf, size, "%s", disassembler.GetOutput());
}
