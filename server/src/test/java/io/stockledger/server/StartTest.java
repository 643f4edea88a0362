package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.stockledger.server.journal.StartupException;
import io.stockledger.server.journal.TestPostgresql;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StartTest {
    private static Config onPort(int port) {
        return Server.config(ConfigFactory.parseString(
                "akka.loglevel = WARNING, stockledger { api.port = " + port + ", metrics.port = 0 }"));
    }

    @Test
    void aPortThatIsTakenIsToldBeforeAnythingIsMade(@TempDir Path folder) throws Exception {
        Path data = folder.resolve("data");
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            StartupException refused = assertThrows(StartupException.class, () -> Server.start(
                    new Server.Store.Embedded(data), onPort(taken.getLocalPort()), Clock.systemUTC()));
            assertTrue(refused.getMessage().startsWith("Port " + taken.getLocalPort() + " on 127.0.0.1 can't be opened"),
                    refused::getMessage);
        }
        assertFalse(Files.exists(data));
    }

    @Test
    void aStartTellsWhatItsTimeWentInto() {
        Server.Store store = new Server.Store.Postgresql(TestPostgresql.emptyDatabase());
        try (Server server = Server.start(store, onPort(0), Clock.systemUTC())) {
            List<String> parts = Arrays.stream(server.startTimes().toString().split(", ")).toList();
            assertTrue(parts.stream().allMatch(part -> part.matches("[a-z]+ [0-9]+ ms")), parts::toString);
            assertEquals(List.of("metrics", "postgresql", "schema", "feed", "actors", "wake", "api"),
                    parts.stream().map(part -> part.substring(0, part.indexOf(' '))).toList());
        }
    }
}
