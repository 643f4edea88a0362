package io.stockledger.server.entity;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Puts what actors of different nodes tell each other into bytes: records, enums, lists, optionals, texts and
 * numbers, by their own structure, so that no message needs a form of its own beside its record. All nodes of a ledger
 * run the same version; nothing of this is ever stored. Only classes of the ledger's own rooms are read.
 */
final class Wire {
    private static final String OURS = "io.stockledger.server.";

    private Wire() {}

    /** A record's constructor and readers, looked up once. */
    private record Shape(java.lang.reflect.Constructor<?> constructor, RecordComponent[] components) {
        private static final Map<Class<?>, Shape> KNOWN = new ConcurrentHashMap<>();

        static Shape of(Class<?> type) {
            return KNOWN.computeIfAbsent(type, Shape::look);
        }

        private static Shape look(Class<?> type) {
            try {
                RecordComponent[] components = type.getRecordComponents();
                Class<?>[] types = new Class<?>[components.length];
                for (int i = 0; i < components.length; i++) {
                    types[i] = components[i].getType();
                    components[i].getAccessor().setAccessible(true);
                }
                java.lang.reflect.Constructor<?> constructor = type.getDeclaredConstructor(types);
                constructor.setAccessible(true);
                return new Shape(constructor, components);
            } catch (NoSuchMethodException e) {
                throw new IllegalStateException("every record has its constructor", e);
            }
        }
    }

    static void write(DataOutputStream out, Object value) throws IOException {
        if (value instanceof String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            out.writeByte('s');
            out.writeInt(utf8.length);
            out.write(utf8);
        } else if (value instanceof Long number) {
            out.writeByte('l');
            out.writeLong(number);
        } else if (value instanceof Integer number) {
            out.writeByte('i');
            out.writeInt(number);
        } else if (value instanceof Boolean truth) {
            out.writeByte(truth ? 't' : 'f');
        } else if (value instanceof OptionalLong number) {
            out.writeByte(number.isPresent() ? 'n' : 'e');
            if (number.isPresent()) {
                out.writeLong(number.getAsLong());
            }
        } else if (value instanceof Optional<?> optional) {
            out.writeByte(optional.isPresent() ? 'o' : 'a');
            if (optional.isPresent()) {
                write(out, optional.get());
            }
        } else if (value instanceof List<?> list) {
            out.writeByte('[');
            out.writeInt(list.size());
            for (Object element : list) {
                write(out, element);
            }
        } else if (value instanceof long[] numbers) {
            out.writeByte('L');
            out.writeInt(numbers.length);
            for (long number : numbers) {
                out.writeLong(number);
            }
        } else if (value instanceof Enum<?> constant) {
            out.writeByte('E');
            out.writeUTF(constant.getDeclaringClass().getName());
            out.writeUTF(constant.name());
        } else if (value instanceof Record message) {
            out.writeByte('R');
            out.writeUTF(message.getClass().getName());
            for (RecordComponent component : Shape.of(message.getClass()).components()) {
                write(out, read(component, message));
            }
        } else {
            throw new IOException("no form on the wire for a " + value.getClass().getName());
        }
    }

    static Object read(DataInputStream in) throws IOException {
        byte form = in.readByte();
        return switch (form) {
            case 's' -> new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
            case 'l' -> in.readLong();
            case 'i' -> in.readInt();
            case 't' -> true;
            case 'f' -> false;
            case 'n' -> OptionalLong.of(in.readLong());
            case 'e' -> OptionalLong.empty();
            case 'o' -> Optional.of(read(in));
            case 'a' -> Optional.empty();
            case '[' -> {
                int size = in.readInt();
                List<Object> list = new ArrayList<>();
                for (int i = 0; i < size; i++) {
                    list.add(read(in));
                }
                yield List.copyOf(list);
            }
            case 'L' -> {
                long[] numbers = new long[in.readInt()];
                for (int i = 0; i < numbers.length; i++) {
                    numbers[i] = in.readLong();
                }
                yield numbers;
            }
            case 'E' -> constant(ours(in.readUTF()), in.readUTF());
            case 'R' -> message(in);
            default -> throw new IOException("no such form on the wire: " + form);
        };
    }

    private static Object constant(Class<?> type, String name) throws IOException {
        for (Object constant : type.getEnumConstants()) {
            if (((Enum<?>) constant).name().equals(name)) {
                return constant;
            }
        }
        throw new IOException("no such constant on this node: " + type.getName() + "." + name);
    }

    private static Object message(DataInputStream in) throws IOException {
        Shape shape = Shape.of(ours(in.readUTF()));
        Object[] values = new Object[shape.components().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = read(in);
        }
        try {
            return shape.constructor().newInstance(values);
        } catch (ReflectiveOperationException e) {
            throw new IOException("a message could not be put together", e);
        }
    }

    private static Object read(RecordComponent component, Record from) throws IOException {
        try {
            return component.getAccessor().invoke(from);
        } catch (ReflectiveOperationException e) {
            throw new IOException("a record could not be read", e);
        }
    }

    private static Class<?> ours(String name) throws IOException {
        if (!name.startsWith(OURS)) {
            throw new IOException("not a message of the ledger: " + name);
        }
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException e) {
            throw new IOException("no such message on this node: " + name, e);
        }
    }
}
