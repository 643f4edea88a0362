package io.stockledger.server;

import ch.qos.logback.classic.spi.LogbackServiceProvider;
import org.slf4j.helpers.NOPMDCAdapter;
import org.slf4j.spi.MDCAdapter;

/**
 * Logback, but for its notes a thread (MDC), which no pattern of ours prints. Akka writes them anew for each message of
 * a persistent actor, whether or not anything is logged: a fifth of what its threads did over 10,000 SKUs. The launcher
 * names this class to SLF4J ({@code slf4j.provider}).
 */
public final class LogbackWithoutMdc extends LogbackServiceProvider {
    private final MDCAdapter none = new NOPMDCAdapter();

    @Override
    public MDCAdapter getMDCAdapter() {
        return none;
    }
}
