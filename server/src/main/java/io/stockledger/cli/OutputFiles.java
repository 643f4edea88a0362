package io.stockledger.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Why a file that a verb should write can't be written, in words. */
final class OutputFiles {
    private OutputFiles() {
    }

    /** A {@link Failure} where the file's folder is not there: better told before the work than after it. */
    static void requireFolder(Path file) {
        Optional.ofNullable(file.toAbsolutePath().getParent()).filter(folder -> !Files.isDirectory(folder)).ifPresent(folder -> {
            throw new Failure("there is no folder " + folder + " to write " + file.getFileName() + " into");
        });
    }

    static Failure unwritable(Path file, IOException e) {
        requireFolder(file);
        String why = Files.isDirectory(file) ? "it is a folder"
                : e instanceof AccessDeniedException ? "it may not be written to, by the rights of the file or its folder" : e.getMessage();
        return new Failure(file + " can't be written: " + why, e);
    }
}
