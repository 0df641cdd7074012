/*
 * logger.c - lines for the person: by level and module to the embedding program, or to a file.
 */
#include "base/fmt.h"
#include "base/string.h"
#include "vmm/machine.h"

static enum log_level level_of(const struct logger *logger, const char *module)
{
    for (unsigned i = 0; i < logger->spec.count; i++) {
        if (str_eq(logger->spec.module[i].name, module)) {
            return logger->spec.module[i].level;
        }
    }
    return logger->spec.level;
}

static void write_file(struct host_stream *file, const char *text)
{
    (void)host_stream_write(file, text, str_len(text), 1000000000u);
    (void)host_stream_write(file, "\n", 1, 1000000000u);
}

void logger_say(struct logger *logger, enum hv_line to, const char *text)
{
    host_mutex_lock(logger->lock);
    if (logger->host.line != NULL) {
        logger->host.line(logger->host.opaque, to, text);
    }
    host_mutex_unlock(logger->lock);
}

/* In the demonstration what happens is the programme; elsewhere it is a remark beside
 * the guest's console. */
static void logger_write(void *opaque, enum log_level level, const char *module, const char *text)
{
    static const char *const tag[] = { "ERROR", "WARN", "INFO", "DEBUG" };
    struct logger *logger = opaque;
    bool show = logger->demo && level == LOG_INFO;
    char line[600];

    if (level > level_of(logger, module)) {
        return;
    }
    if (show) {
        fmt_format(line, sizeof(line), "[INFO] %s", text);
    } else {
        fmt_format(line, sizeof(line), "[%s] %s: %s", tag[level], module, text);
    }
    if (logger->file == NULL) {
        logger_say(logger, show ? HV_LINE_OUT : HV_LINE_ERR, line);
        return;
    }
    host_mutex_lock(logger->lock);
    write_file(logger->file, line);
    host_mutex_unlock(logger->lock);
}

enum status logger_init(struct logger *logger, const struct hv_config *config,
                        const struct hv_host *host, struct err *err)
{
    enum status st = spec_log(config->log, &logger->spec, err);

    if (st != ST_OK) {
        return st;
    }
    logger->host = *host;
    logger->demo = config->demo;
    if (logger->demo && logger->spec.level < LOG_INFO) {
        logger->spec.level = LOG_INFO;
    }
    logger->lock = host_mutex_create();
    if (logger->lock == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_HOST_NO_MEMORY);
    }
    if (config->log_file != NULL) {
        logger->file = host_file_create(config->log_file, err);
        return logger->file != NULL ? ST_OK : ST_E_IO;
    }
    return ST_OK;
}

void logger_fini(struct logger *logger)
{
    host_stream_close(logger->file);
    host_mutex_destroy(logger->lock);
}

struct log_port logger_port(struct logger *logger)
{
    struct log_port port = { .write = logger_write, .opaque = logger, .level = logger->spec.level };

    for (unsigned i = 0; i < logger->spec.count; i++) {
        if (logger->spec.module[i].level > port.level) {
            port.level = logger->spec.module[i].level;
        }
    }
    return port;
}
