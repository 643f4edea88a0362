package io.stockledger.server;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The rooms of the house: who may import whom, and where each library lives. */
class HouseTest {
    private static final String SERVER = "io.stockledger.server.";
    private static final String GENERATED = "io.stockledger.v1..";
    private static final JavaClasses CODE = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.stockledger");

    private static void room(String room, String... mayImport) {
        List<String> allowed = new ArrayList<>();
        allowed.add(SERVER + room + "..");
        for (String other : mayImport) {
            allowed.add(other.startsWith("io.") ? other : SERVER + other + "..");
        }
        DescribedPredicate<JavaClass> ours = resideInAPackage("io.stockledger..");
        DescribedPredicate<JavaClass> elsewhere = ours.and(DescribedPredicate.not(
                resideInAnyPackage(allowed.toArray(String[]::new))));
        noClasses().that().resideInAPackage(SERVER + room + "..")
                .should().dependOnClassesThat(elsewhere)
                .as("the room " + room + " imports only " + List.of(mayImport))
                .allowEmptyShould(true)
                .check(CODE);
    }

    @Test
    void eachRoomImportsOnlyWhatItMay() {
        room("domain");
        room("journal", "domain", GENERATED);
        room("entity", "domain", "journal");
        room("metrics", "journal");
        room("feed", "journal", GENERATED);
        room("projection", "domain", "journal", "feed", GENERATED);
        room("audit", "domain", "journal", "feed");
        room("api", "domain", "journal", "entity", "feed", "projection", "audit", GENERATED);
    }

    @Test
    void theDomainKnowsOnlyJava() {
        classes().that().resideInAPackage(SERVER + "domain..")
                .should().onlyDependOnClassesThat(resideInAnyPackage("java..", SERVER + "domain..")).check(CODE);
        noClasses().that().resideInAPackage(SERVER + "domain..").should().dependOnClassesThat(resideInAnyPackage(
                "java.io..", "java.nio..", "java.net..", "java.sql..", "java.time..", "java.util.concurrent..")).check(CODE);
    }

    @Test
    void theCommandLineSeesTheLedgerAsAnyClientDoes() {
        noClasses().that().resideInAPackage("io.stockledger.cli..")
                .should().dependOnClassesThat(resideInAPackage("io.stockledger.server..").and(
                        DescribedPredicate.not(DescribedPredicate.describe("Main", type ->
                                type.getName().equals(SERVER + "Main") || type.getName().startsWith(SERVER + "Main$")))))
                .check(CODE);
        noClasses().that().resideInAPackage("io.stockledger.client..")
                .should().dependOnClassesThat(resideInAnyPackage("io.stockledger.server..", "io.stockledger.cli..")).check(CODE);
    }

    @Test
    void eachLibraryLivesInItsRoom() {
        noClasses().that().resideOutsideOfPackages(SERVER + "journal..", SERVER + "projection..", "io.stockledger.server")
                .and().resideInAPackage("io.stockledger.server..")
                .should().dependOnClassesThat(resideInAnyPackage("javax.sql..", "org.postgresql..", "com.zaxxer..", "org.flywaydb.."))
                .check(CODE);
        // Others may let an SQLException pass, and do no more with it.
        noClasses().that().resideOutsideOfPackages(SERVER + "journal..", SERVER + "projection..")
                .and().resideInAPackage("io.stockledger.server..")
                .should().dependOnClassesThat(resideInAPackage("java.sql..").and(DescribedPredicate.not(
                        DescribedPredicate.describe("SQLException", type -> type.getName().equals("java.sql.SQLException")))))
                .check(CODE);
        // The command line asks the ledger, never its store. What it asks by SQL is the system that a shop comes from.
        noClasses().that().resideInAPackage("io.stockledger.cli..").and().resideOutsideOfPackage("io.stockledger.cli.migrate..")
                .or().resideInAPackage("io.stockledger.client..")
                .should().dependOnClassesThat(resideInAnyPackage("java.sql..", "javax.sql..", "org.postgresql..", "com.zaxxer.."))
                .check(CODE);
        noClasses().that().resideOutsideOfPackages(SERVER + "entity..", "io.stockledger.server", SERVER + "journal..")
                .and().resideInAPackage("io.stockledger..")
                .should().dependOnClassesThat(resideInAPackage("akka.."))
                .check(CODE);
        noClasses().that().resideInAPackage(SERVER + "journal..")
                .should().dependOnClassesThat(resideInAnyPackage("akka.actor.typed..", "akka.cluster.."))
                .check(CODE);
        noClasses().that().resideOutsideOfPackage(SERVER + "journal..")
                .should().dependOnClassesThat(resideInAnyPackage("akka.persistence.jdbc..", "slick.."))
                .check(CODE);
        noClasses().that().resideInAPackage("io.stockledger.server..").and().resideOutsideOfPackage(SERVER + "api..")
                .should().dependOnClassesThat(resideInAPackage("io.grpc.."))
                .check(CODE);
        // Rooms measure; how that is shown, and where, is the business of one.
        noClasses().that().resideOutsideOfPackage(SERVER + "metrics..").and().resideInAPackage("io.stockledger..")
                .should().dependOnClassesThat(resideInAnyPackage("io.micrometer.prometheusmetrics..", "io.prometheus..", "com.sun.net.httpserver.."))
                .check(CODE);
    }

    @Test
    void thereIsNoCycleBetweenRooms() {
        slices().matching("io.stockledger.server.(*)..").should().beFreeOfCycles().check(CODE);
        slices().matching("io.stockledger.(*)..").should().beFreeOfCycles().check(CODE);
    }

    @Test
    void noPackageIsADrawerForEverything() {
        noClasses().should().resideInAnyPackage("..util..", "..utils..", "..common..", "..helper..", "..helpers..", "..impl..")
                .check(CODE);
    }
}
