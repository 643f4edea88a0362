package io.stockledger.cli.migrate;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.stockledger.cli.Failure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * The file of observations: one JSON object a line, appended to and never changed. Only what changes is written, so
 * weeks of it are a file to be read in one go; half a line, which a power cut leaves, is passed over and cut off.
 */
final class Observations implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;

    private Observations(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Opens the file to add to it; one comparison at a time. */
    static Observations open(Path file) {
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            if (channel.tryLock() == null) {
                channel.close();
                throw new Failure("another comparison writes to " + file + "; end it first, or name another folder with --folder");
            }
            // By this channel: closing another one of the same file would end the lock.
            byte[] bytes = Channels.newInputStream(channel).readAllBytes();
            int whole = bytes.length;
            while (whole > 0 && bytes[whole - 1] != '\n') {
                whole--;
            }
            channel.truncate(whole).position(whole);
            return new Observations(file, channel);
        } catch (IOException e) {
            throw Folder.cannotWrite(file, e);
        }
    }

    void append(List<Observation> seen) {
        if (seen.isEmpty()) {
            return;
        }
        StringBuilder lines = new StringBuilder();
        seen.forEach(one -> lines.append(json(one)).append('\n'));
        ByteBuffer bytes = ByteBuffer.wrap(lines.toString().getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(false);
        } catch (IOException e) {
            throw Folder.cannotWrite(file, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw Folder.cannotWrite(file, e);
        }
    }

    /** All that was seen so far; none where there is no file. */
    static List<Observation> read(Path file) {
        List<Observation> all = new ArrayList<>();
        if (!Files.exists(file)) {
            return all;
        }
        try {
            String text = Files.readString(file);
            int number = 0;
            for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
                number++;
                try {
                    all.add(observation(JsonParser.parseString(line).getAsJsonObject()));
                } catch (RuntimeException e) {
                    // A line that is none fails in as many ways as a hand can change it.
                    throw new Failure(file + " line " + number + " is no observation; put the file back as it was, or begin anew in another --folder", e);
                }
            }
            return all;
        } catch (IOException e) {
            throw new Failure(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static JsonObject json(Observation one) {
        JsonObject json = new JsonObject();
        json.addProperty("at", one.at().toString());
        if (one instanceof Observation.Begun begun) {
            json.addProperty("what", "begun");
            json.addProperty("source", begun.source());
            json.addProperty("figure", begun.figure());
            json.addProperty("lag_seconds", begun.lagSeconds());
            json.addProperty("partial", begun.partial());
        } else if (one instanceof Observation.Named named) {
            json.addProperty("what", "named");
            json.add("places", places(named.places()));
        } else if (one instanceof Observation.Looked looked) {
            json.addProperty("what", "looked");
            json.addProperty("compared", looked.compared());
            json.addProperty("behind", looked.behind());
            json.addProperty("drifting", looked.drifting());
            json.addProperty("units", looked.units());
        } else if (one instanceof Observation.NotLooked not) {
            json.addProperty("what", "not looked");
            json.addProperty("why", not.why());
        } else if (one instanceof Observation.Drifting drifting) {
            json.addProperty("what", "drifting");
            place(json, drifting.place());
            json.addProperty("old", drifting.old());
            json.addProperty("ledger", drifting.ledger());
        } else if (one instanceof Observation.Settled settled) {
            json.addProperty("what", "settled");
            place(json, settled.place());
        }
        return json;
    }

    /** Each as its SKU and its location: there may be a million. */
    private static JsonArray places(List<OldStock.Place> places) {
        JsonArray all = new JsonArray(places.size());
        for (OldStock.Place place : places) {
            JsonArray pair = new JsonArray(2);
            pair.add(place.sku());
            pair.add(place.location());
            all.add(pair);
        }
        return all;
    }

    private static List<OldStock.Place> places(JsonArray all) {
        List<OldStock.Place> places = new ArrayList<>(all.size());
        for (JsonElement one : all) {
            places.add(new OldStock.Place(one.getAsJsonArray().get(0).getAsString(), one.getAsJsonArray().get(1).getAsString()));
        }
        return places;
    }

    private static void place(JsonObject json, OldStock.Place place) {
        json.addProperty("sku", place.sku());
        json.addProperty("location", place.location());
    }

    private static Observation observation(JsonObject json) {
        Instant at = Instant.parse(json.get("at").getAsString());
        return switch (json.get("what").getAsString()) {
            // Without the word it is of a comparison that left out what only the ledger has.
            case "begun" -> new Observation.Begun(at, json.get("source").getAsString(), json.get("figure").getAsString(),
                    json.get("lag_seconds").getAsLong(), !json.has("partial") || json.get("partial").getAsBoolean());
            case "named" -> new Observation.Named(at, places(json.getAsJsonArray("places")));
            case "looked" -> new Observation.Looked(at, json.get("compared").getAsInt(), json.get("behind").getAsInt(),
                    json.get("drifting").getAsInt(), json.get("units").getAsLong());
            case "not looked" -> new Observation.NotLooked(at, json.get("why").getAsString());
            case "drifting" -> new Observation.Drifting(at, place(json), json.get("old").getAsLong(), json.get("ledger").getAsLong());
            case "settled" -> new Observation.Settled(at, place(json));
            default -> throw new IllegalStateException("no such observation");
        };
    }

    private static OldStock.Place place(JsonObject json) {
        return new OldStock.Place(json.get("sku").getAsString(), json.get("location").getAsString());
    }
}
