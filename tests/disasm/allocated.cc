// allocated.cc - which of the 2^32 words are instructions: our table against LLVM's disassembler.
//
//   allocated [--all | --slice I/N | --sample N] [--seed S] [--threads T] LIST
//
// A word is allocated for us if a row of the table matches and its lowering does not call it UNDEFINED, with all features
// on. LLVM is asked with the same features. LIST (not_llvm.txt) names the encodings that LLVM cannot judge, with reasons.
// --all takes every word, about a quarter of an hour on two processors; --slice I/N takes those of the I-th (0 ...) of N
// equal parts; --sample N takes N at random, and every word that differs from those in one bit. Exit status 1: differences.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"

extern "C" {
const char *ours_init(void);
const char *ours_row(uint32_t word); // name of the row if the word is an instruction, else NULL
}

static const char triple[] = "aarch64-none-elf";
static const char features[] =
    "+v8.5a,+fp-armv8,+neon,+aes,+sha2,+sha3,+sm4,+fullfp16,+fp16fml,+dotprod,+rdm,+lse,+crc,+bf16,+i8mm,+complxnum,"
    "+jsconv,+rcpc,+rcpc-immo,+pauth,+flagm,+altnzcv,+fptoint,+sb,+ssbs,+predres,+ccdp,+ccpp,+rand,+mops,+wfxt,+pan,"
    "+pan-rwv,+uaops,+ras,+tlb-rmi,+bti,+dit,-lor,-sve,-sve2,-mte,-ls64,-tme,-sme";

struct Known {
    uint32_t mask, value;
    std::string why;
    uint64_t hits;
};

struct Group {
    uint64_t count;
    uint32_t first;
};

static std::vector<Known> known;
static std::map<std::string, Group> groups;
static std::mutex lock;
static uint64_t allocated_words;

// One per thread: LLVM's objects are not shared.
class Judge {
  public:
    Judge()
    {
        std::string error;
        const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
        llvm::MCTargetOptions options;
        registers.reset(target->createMCRegInfo(triple));
        assembler.reset(target->createMCAsmInfo(*registers, triple, options));
        subtarget.reset(target->createMCSubtargetInfo(triple, "generic", features));
        instructions.reset(target->createMCInstrInfo());
        context.reset(new llvm::MCContext(llvm::Triple(triple), assembler.get(), registers.get(), subtarget.get()));
        disassembler.reset(target->createMCDisassembler(*subtarget, *context));
    }
    // LLVM's name of the instruction, or nullptr.
    const char *name(uint32_t word)
    {
        uint8_t bytes[4] = { uint8_t(word), uint8_t(word >> 8), uint8_t(word >> 16), uint8_t(word >> 24) };
        llvm::MCInst inst;
        uint64_t size;
        auto status = disassembler->getInstruction(inst, size, llvm::ArrayRef<uint8_t>(bytes, 4), 0, llvm::nulls());
        return status == llvm::MCDisassembler::Fail ? nullptr : instructions->getName(inst.getOpcode()).data();
    }

  private:
    std::unique_ptr<llvm::MCRegisterInfo> registers;
    std::unique_ptr<llvm::MCAsmInfo> assembler;
    std::unique_ptr<llvm::MCSubtargetInfo> subtarget;
    std::unique_ptr<llvm::MCInstrInfo> instructions;
    std::unique_ptr<llvm::MCContext> context;
    std::unique_ptr<llvm::MCDisassembler> disassembler;
};

struct Tally {
    std::map<std::string, Group> groups;
    std::vector<uint64_t> hits;
    uint64_t allocated;
};

static void compare(Judge &judge, uint32_t word, Tally &tally)
{
    const char *row = ours_row(word), *theirs = judge.name(word);
    tally.allocated += row != nullptr;
    if ((row != nullptr) == (theirs != nullptr)) {
        return;
    }
    for (size_t i = 0; i < known.size(); i++) {
        if ((word & known[i].mask) == known[i].value) {
            tally.hits[i]++;
            return;
        }
    }
    char name[80];
    snprintf(name, sizeof(name), "only %s: %s", row ? "ours" : "LLVM", row ? row : theirs);
    Group &group = tally.groups.insert({ name, Group{ 0, word } }).first->second;
    group.count++;
}

static void merge(const Tally &tally)
{
    std::lock_guard<std::mutex> guard(lock);
    allocated_words += tally.allocated;
    for (size_t i = 0; i < known.size(); i++) {
        known[i].hits += tally.hits[i];
    }
    for (const auto &g : tally.groups) {
        groups.insert({ g.first, Group{ 0, g.second.first } }).first->second.count += g.second.count;
    }
}

static void read_list(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[300], why[200];
    uint32_t mask, value;

    if (!file) {
        fprintf(stderr, "allocated: cannot read %s\n", path);
        exit(2);
    }
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%" SCNx32 " %" SCNx32 " %199[^\n]", &value, &mask, why) == 3) {
            known.push_back({ mask, value, why, 0 });
        }
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    uint64_t sample = 0, seed = 1, slice = 0, slices = 1;
    unsigned threads = std::thread::hardware_concurrency();

    for (int i = 1; i < argc - 1; i++) {
        if (!strcmp(argv[i], "--sample")) {
            sample = strtoull(argv[++i], nullptr, 0);
        } else if (!strcmp(argv[i], "--slice")) {
            if (sscanf(argv[++i], "%" SCNu64 "/%" SCNu64, &slice, &slices) != 2 || slice >= slices) {
                fprintf(stderr, "allocated: --slice wants I/N, I below N\n");
                return 2;
            }
        } else if (!strcmp(argv[i], "--seed")) {
            seed = strtoull(argv[++i], nullptr, 0);
        } else if (!strcmp(argv[i], "--threads")) {
            threads = unsigned(atoi(argv[++i]));
        }
    }
    read_list(argv[argc - 1]);
    if (const char *error = ours_init()) {
        fprintf(stderr, "allocated: %s\n", error);
        return 2;
    }
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64Disassembler();

    const uint64_t all = uint64_t(1) << 32, from = all * slice / slices, to = all * (slice + 1) / slices;
    std::vector<std::thread> pool;
    for (unsigned t = 0; t < threads; t++) {
        pool.emplace_back([=] {
            Judge judge;
            Tally tally{ {}, std::vector<uint64_t>(known.size()), 0 };
            if (sample == 0) {
                for (uint64_t word = from + t; word < to; word += threads) {
                    compare(judge, uint32_t(word), tally);
                }
            }
            uint64_t state = seed * 0x9e3779b97f4a7c15u + t;
            for (uint64_t i = t; i < sample; i += threads) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                uint32_t word = uint32_t(state >> 32);
                compare(judge, word, tally);
                for (unsigned bit = 0; bit < 32; bit++) {
                    compare(judge, word ^ 1u << bit, tally);
                }
            }
            merge(tally);
        });
    }
    for (std::thread &thread : pool) {
        thread.join();
    }
    for (const auto &g : groups) {
        printf("%-40s %10" PRIu64 "  %08x\n", g.first.c_str(), g.second.count, g.second.first);
    }
    for (const Known &k : known) {
        printf("known %08x/%08x %10" PRIu64 "  %s\n", k.value, k.mask, k.hits, k.why.c_str());
    }
    printf("words %" PRIu64 ", allocated %" PRIu64 ", unexplained groups %zu\n", sample ? sample * 33 : to - from,
           allocated_words, groups.size());
    return !groups.empty();
}
