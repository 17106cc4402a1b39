"""Put settings into the files of an assistant, remember what stood there, and take them out."""
